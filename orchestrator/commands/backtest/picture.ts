import { bar, drawing, legend, niceMax, scale, word } from './svg.ts'

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

/** A bar of error and one of bias per method, best first. */
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
  return drawing(told.title, { width: WIDTH, height: bottom + 44 }, [
    word(20, 48, 'quiet', told.subtitle),
    ...legends(told),
    ...scale(max, '%', { x, top: TOP, bottom }),
    ...rows.flatMap((row, index) => drawRow(row, TOP + index * ROW, x, max)),
    ...asked(told.barPercent, bottom, x),
  ])
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
  const error = { x: LABELS, y: top + 5, width: x(row.rrmsePercent) - LABELS, height: 13 }
  const below = { x: LABELS, y: top + 20, width: Math.max(1, x(bias) - LABELS), height: 5 }
  return [
    word(LABELS - 10, top + 19, 'word', row.name, 'text-anchor="end"'),
    bar(kind, error),
    bar('bias', below),
    ...row.others.map((percent, index) => mark(index, x(percent), top + 11.5)),
    word(Math.min(end, WIDTH - 70), top + 17, 'quiet', figures, 'font-size="11"'),
  ]
}

/** The shape of another window. */
function mark(index: number, x: number, y: number): string {
  const place = `transform="translate(${x.toFixed(1)},${y})"`
  return `<path class="mark" d="${MARKS[index % MARKS.length]}" ${place}/>`
}

function legends({ mainWindow, otherWindows }: Picture): string[] {
  const swatch = (kind: string) => (x: number) => bar(kind, { x, y: 64, width: 12, height: 12 })
  return [
    ...legend(70, [
      { shape: swatch('own'), words: `RRMSE ${mainWindow}, ours` },
      { shape: swatch('standard'), words: 'RRMSE, as in rule books' },
      { shape: swatch('bias'), words: 'bias (size; sign in the figure)' },
    ]),
    ...legend(
      94,
      otherWindows.map((words, index) => ({ shape: (x) => mark(index, x + 6, 94), words })),
    ),
  ]
}

function asked(percent: number | null, bottom: number, x: (percent: number) => number): string[] {
  if (percent === null) return []
  const at = x(percent).toFixed(1)
  return [
    `<line class="asked" x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${bottom}"/>`,
    word(x(percent), bottom + 36, 'askedword', `asked: ${percent} %`, 'text-anchor="middle"'),
  ]
}
