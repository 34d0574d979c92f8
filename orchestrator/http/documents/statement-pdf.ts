import PDFDocument from 'pdfkit'
import {
  type Cell,
  type Column,
  localStamp,
  plainEuros,
  type Statement,
  type StatementTable,
} from '#domain/statement.ts'
import type { Instant } from '#domain/time.ts'

const MARGIN = 40
const SIZE = { title: 17, heading: 11, text: 9, small: 7 }
const INK = { text: '#1a1a1a', quiet: '#555555', line: '#bbbbbb' }
const GAP = 9

type Pdf = PDFKit.PDFDocument

/**
 * A statement on paper (A4, landscape), with fonts that every reader has. Everything in it,
 * dates too, comes from the statement: the same statement is the same bytes.
 */
export async function statementPdf(statement: Statement): Promise<Uint8Array<ArrayBuffer>> {
  const made = new Date(statement.month.end)
  const pdf = new PDFDocument({
    size: 'A4',
    layout: 'landscape',
    margin: MARGIN,
    bufferPages: true,
    lang: 'en',
    displayTitle: true,
    info: { Title: statement.title, Producer: 'Gridcall', Creator: 'Gridcall', CreationDate: made },
  })
  const chunks: Uint8Array[] = []
  const ended = new Promise<void>((resolve, reject) => {
    pdf.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    pdf.on('end', resolve)
    pdf.on('error', reject)
  })
  head(pdf, statement)
  for (const table of statement.tables) drawTable(pdf, table, statement.month.timeZone)
  numberPages(pdf, statement)
  pdf.end()
  await ended
  return new Uint8Array(Buffer.concat(chunks))
}

function head(pdf: Pdf, { title, number, month, words }: Statement): void {
  pdf.font('Helvetica-Bold').fontSize(SIZE.title).fillColor(INK.text).text(title)
  const about = `No. ${number} · amounts in euros, exact · times in ${month.timeZone}`
  pdf.font('Helvetica').fontSize(SIZE.text).fillColor(INK.quiet).text(about)
  pdf.moveDown(0.6).fillColor(INK.text)
  for (const paragraph of words) pdf.text(latin(paragraph)).moveDown(0.3)
}

function drawTable(pdf: Pdf, table: StatementTable, timeZone: string): void {
  const columns = table.columns.filter(({ isBelow }) => !isBelow)
  const shown = table.rows.map((row) =>
    row.map((cell, i) => written(table.columns[i], cell, timeZone)),
  )
  const widths = widthsOf(pdf, table, columns, shown)
  need(pdf, 60)
  pdf.moveDown(0.8).font('Helvetica-Bold').fontSize(SIZE.heading).text(latin(table.title), MARGIN)
  pdf.moveDown(0.3)
  if (shown.length === 0) {
    pdf.font('Helvetica').fontSize(SIZE.text).fillColor(INK.quiet).text(table.nothing)
    pdf.fillColor(INK.text)
    return
  }
  const titles = columns.map(({ title }) => title)
  drawRow(pdf, columns, titles, widths, true)
  for (const row of shown) {
    const above = table.columns.flatMap(({ isBelow }, i) => (isBelow ? [] : [row[i] ?? '']))
    const below = table.columns.flatMap(({ isBelow, title }, i) =>
      isBelow && row[i] ? [`${title}: ${row[i]}`] : [],
    )
    if (need(pdf, heightOf(pdf, above, widths) + heightBelow(pdf, below))) {
      drawRow(pdf, columns, titles, widths, true)
    }
    drawRow(pdf, columns, above, widths, false)
    drawBelow(pdf, below)
    const y = pdf.y + 1
    pdf
      .moveTo(MARGIN, y)
      .lineTo(pdf.page.width - MARGIN, y)
      .lineWidth(0.4)
      .stroke(INK.line)
    pdf.y = y + 2
  }
}

function drawRow(
  pdf: Pdf,
  columns: readonly Column[],
  cells: readonly string[],
  widths: readonly number[],
  isHead: boolean,
): void {
  const { y } = pdf
  const height = heightOf(pdf, cells, widths)
  pdf.font(isHead ? 'Helvetica-Bold' : 'Helvetica').fontSize(SIZE.text)
  let x = MARGIN
  for (const [i, cell] of cells.entries()) {
    const width = (widths[i] ?? 0) - GAP
    const isFigure = columns[i]?.kind === 'money' || columns[i]?.kind === 'number'
    pdf.text(latin(cell), x, y, { width, align: isFigure ? 'right' : 'left' })
    x += widths[i] ?? 0
  }
  pdf.x = MARGIN
  pdf.y = y + height
}

function drawBelow(pdf: Pdf, lines: readonly string[]): void {
  if (lines.length === 0) return
  pdf.font('Helvetica').fontSize(SIZE.small).fillColor(INK.quiet)
  pdf.text(latin(lines.join('\n')), MARGIN, pdf.y, { width: pdf.page.width - 2 * MARGIN })
  pdf.fillColor(INK.text)
}

/** Starts a new page where less than this is left. */
function need(pdf: Pdf, height: number): boolean {
  if (pdf.y + height <= pdf.page.height - MARGIN - SIZE.text * 2) return false
  pdf.addPage()
  return true
}

function heightOf(pdf: Pdf, cells: readonly string[], widths: readonly number[]): number {
  pdf.font('Helvetica-Bold').fontSize(SIZE.text)
  const heights = cells.map((cell, i) =>
    pdf.heightOfString(latin(cell), { width: (widths[i] ?? 0) - GAP }),
  )
  return Math.max(SIZE.text, ...heights) + 2
}

function heightBelow(pdf: Pdf, lines: readonly string[]): number {
  if (lines.length === 0) return 3
  pdf.font('Helvetica').fontSize(SIZE.small)
  return pdf.heightOfString(latin(lines.join('\n')), { width: pdf.page.width - 2 * MARGIN }) + 3
}

/** As wide as the widest text each; what is left over, or lacks, is shared among the texts. */
function widthsOf(
  pdf: Pdf,
  table: StatementTable,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): number[] {
  pdf.font('Helvetica-Bold').fontSize(SIZE.text)
  const wanted = columns.map((column) => {
    const at = table.columns.indexOf(column)
    const texts = [column.title, ...rows.map((row) => row[at] ?? '')]
    return Math.min(190, Math.max(...texts.map((text) => pdf.widthOfString(latin(text))))) + GAP + 4
  })
  const whole = pdf.page.width - 2 * MARGIN
  const total = wanted.reduce((sum, width) => sum + width, 0)
  const factor = total > whole ? whole / total : 1
  return wanted.map((width) => width * factor)
}

function numberPages(pdf: Pdf, { number }: Statement): void {
  const { count } = pdf.bufferedPageRange()
  for (let page = 0; page < count; page++) {
    pdf.switchToPage(page)
    pdf.page.margins.bottom = 0 // else the foot would begin a page of its own
    pdf.font('Helvetica').fontSize(SIZE.small).fillColor(INK.quiet)
    const y = pdf.page.height - MARGIN + 8
    pdf.text(`${number} · page ${page + 1} of ${count}`, MARGIN, y, {
      width: pdf.page.width - 2 * MARGIN,
      align: 'right',
    })
  }
}

function written(column: Column | undefined, cell: Cell | undefined, timeZone: string): string {
  if (cell === null || cell === undefined) return ''
  if (column?.kind === 'money' && typeof cell === 'bigint') return plainEuros(cell)
  if (column?.kind === 'instant') return localStamp(cell as Instant, timeZone)
  return String(cell)
}

/** The built-in fonts know Latin-1 and some punctuation; anything else would come out wrong. */
function latin(text: string): string {
  return text.replaceAll(/[^\n\x20-\x7e\u00a0-\u00ff–—‘’“”…€·]/gu, '?')
}
