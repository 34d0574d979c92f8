/** A row of the picture: a method, its error in the main window and in the others, and its bias. */
export type PictureRow = {
  readonly name: string
  readonly rrmsePercent: number
  readonly biasPercent: number
  /** Error in the other windows, in their order. */
  readonly others: readonly number[]
  /** Ours stand out from those of rule books. */
  readonly isOwn: boolean
}

export type Picture = {
  readonly title: string
  readonly subtitle: string
  readonly mainWindow: string
  readonly otherWindows: readonly string[]
  readonly barPercent: number | null
  readonly rows: readonly PictureRow[]
}

const WIDTH = 960
const LABELS = 270
const PLOT = WIDTH - LABELS - 70
const ROW = 34
const TOP = 118
/** One shape per other window, in order. */
const MARKS = [
  'M-4,4L0,-4L4,4Z',
  'M-4,-4L4,-4L4,4L-4,4Z',
  'M0,-5L5,0L0,5L-5,0Z',
  'M-4,-4L0,4L4,-4Z',
] as const

/** Light and dark are the reader's: the picture brings its own ground and words for both. */
const STYLE = `
  svg { color-scheme: light dark; font: 13px system-ui, sans-serif }
  .ground { fill: #ffffff } .word { fill: #1a2230 } .quiet { fill: #566070 }
  .grid { stroke: #d5dae2 } .axis { stroke: #566070 } .askedword { fill: #b3261e }
  .asked { stroke: #b3261e; stroke-dasharray: 5 4 }
  .own { fill: #0b6e4f } .standard { fill: #4a74b5 } .bias { fill: #c77700 }
  .mark { fill: none; stroke: #1a2230; stroke-width: 1.4 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #12161d } .word { fill: #e8ecf2 } .quiet { fill: #a4adba }
    .grid { stroke: #2d3542 } .axis { stroke: #a4adba } .asked { stroke: #ff8a80 }
    .askedword { fill: #ff8a80 }
    .own { fill: #3fc48f } .standard { fill: #7ba6e8 } .bias { fill: #f0a33a }
    .mark { stroke: #e8ecf2 }
  }`

/** An SVG of its own: a bar of error and one of bias per method, best first. */
export function picture(told: Picture): string {
  const rows = told.rows.toSorted((a, b) => a.rrmsePercent - b.rrmsePercent)
  const highest = rows.flatMap((row) => [
    row.rrmsePercent,
    Math.abs(row.biasPercent),
    ...row.others,
  ])
  const max = niceMax(Math.min(120, Math.max(1, told.barPercent ?? 0, ...highest)))
  const x = (percent: number) => LABELS + (Math.min(max, Math.max(0, percent)) / max) * PLOT
  const bottom = TOP + rows.length * ROW
  const height = bottom + 44
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ` +
      `aria-labelledby="title">`,
    `<title id="title">${text(told.title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    word(20, 28, 'word', told.title, 'font-size="17" font-weight="600"'),
    word(20, 48, 'quiet', told.subtitle),
    ...legend(told),
    ...grid(max, bottom, x),
    ...rows.flatMap((row, index) => drawRow(row, TOP + index * ROW, x, max)),
    ...asked(told.barPercent, bottom, x),
    '</svg>',
  ].join('\n')}\n`
}

function drawRow(
  row: PictureRow,
  top: number,
  x: (percent: number) => number,
  max: number,
): string[] {
  const kind = row.isOwn ? 'own' : 'standard'
  const sign = row.biasPercent < 0 ? '−' : '+'
  const bias = Math.abs(row.biasPercent)
  const over = row.rrmsePercent > max ? ' →' : ''
  const end = Math.max(x(row.rrmsePercent), ...row.others.map(x)) + 10
  const figures = `${row.rrmsePercent.toFixed(1)}${over} / ${sign}${bias.toFixed(1)}`
  return [
    word(LABELS - 10, top + 19, 'word', row.name, 'text-anchor="end"'),
    bar(kind, top + 5, 13, x(row.rrmsePercent) - LABELS),
    bar('bias', top + 20, 5, Math.max(1, x(bias) - LABELS)),
    ...row.others.map((percent, index) => mark(index, x(percent), top + 11.5)),
    word(Math.min(end, WIDTH - 70), top + 17, 'quiet', figures, 'font-size="11"'),
  ]
}

function bar(kind: string, top: number, height: number, width: number): string {
  const size = `width="${width.toFixed(1)}" height="${height}" rx="2"`
  return `<rect class="${kind}" x="${LABELS}" y="${top}" ${size}/>`
}

/** The shape of another window. */
function mark(index: number, x: number, y: number): string {
  const place = `transform="translate(${x.toFixed(1)},${y})"`
  return `<path class="mark" d="${MARKS[index % MARKS.length]}" ${place}/>`
}

function legend({ mainWindow, otherWindows }: Picture): string[] {
  let left = 20
  const items: string[] = []
  const add = (shape: string, label: string) => {
    items.push(`<g transform="translate(${left},70)">${shape}</g>`)
    items.push(word(left + 18, 74, 'word', label))
    left += 34 + label.length * 7.4
  }
  const swatch = (kind: string) => `<rect class="${kind}" y="-6" width="12" height="12" rx="2"/>`
  add(swatch('own'), `RRMSE ${mainWindow}, ours`)
  add(swatch('standard'), 'RRMSE, as in rule books')
  add(swatch('bias'), 'bias (size; sign in the figure)')
  left = 20
  for (const [at, name] of otherWindows.entries()) {
    items.push(mark(at, left + 6, 94))
    items.push(word(left + 18, 98, 'word', name))
    left += 34 + name.length * 7.4
  }
  return items
}

function grid(max: number, bottom: number, x: (percent: number) => number): string[] {
  const step = max > 60 ? 20 : max > 20 ? 10 : max > 10 ? 5 : 1
  const lines: string[] = []
  for (let percent = 0; percent <= max; percent += step) {
    const at = x(percent).toFixed(1)
    const kind = percent === 0 ? 'axis' : 'grid'
    lines.push(`<line class="${kind}" x1="${at}" y1="${TOP}" x2="${at}" y2="${bottom}"/>`)
    lines.push(word(x(percent), bottom + 18, 'quiet', `${percent} %`, 'text-anchor="middle"'))
  }
  return lines
}

function asked(percent: number | null, bottom: number, x: (percent: number) => number): string[] {
  if (percent === null) return []
  const at = x(percent).toFixed(1)
  return [
    `<line class="asked" x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${bottom}"/>`,
    word(x(percent), bottom + 36, 'askedword', `asked: ${percent} %`, 'text-anchor="middle"'),
  ]
}

function niceMax(value: number): number {
  const step = value > 60 ? 20 : value > 20 ? 10 : value > 10 ? 5 : 1
  return Math.ceil(value / step) * step
}

function word(x: number, y: number, kind: string, words: string, more = ''): string {
  const place = `x="${x.toFixed(1)}" y="${y}"${more === '' ? '' : ` ${more}`}`
  return `<text class="${kind}" ${place}>${text(words)}</text>`
}

function text(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
