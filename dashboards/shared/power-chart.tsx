import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { formatPower, formatThousandth, formatClock } from '../format.ts'
import { businessNow, zone } from './business-time.ts'
import { type Columns, type Stepped, stepLines } from './step-lines.ts'

/** How a line is drawn; dashes tell lines apart where colour does not. */
export type Line = Stepped & {
  readonly label: string
  readonly colour: '--line-asked' | '--line-ordered' | '--line-delivered' | '--line-baseline'
  readonly dash: readonly number[]
  readonly width: number
  readonly isFilled: boolean
}

type Props = {
  readonly title: string
  readonly periods: readonly { readonly start: string; readonly end: string }[]
  readonly lines: readonly Line[]
  /** Changes when time has moved on far enough to be seen. */
  readonly tick: number
}

const HEIGHT = 180

/** Power per settlement period as steps, in kW. The table beside it holds the same figures. */
export function PowerChart({ title, periods, lines, tick }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const [shown, setShown] = useState<number | null>(null)
  const columns = stepLines(periods, lines)
  const latest = useRef(columns)
  latest.current = columns
  const look = `${periods.length} ${lines.map(({ label }) => label).join()}`

  useEffect(() => {
    const element = place.current
    if (element === null) return
    const draw = () => {
      plot.current?.destroy()
      plot.current = makePlot(element, lines, latest, periods, setShown)
    }
    draw()
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', draw)
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT })
    })
    resized.observe(element)
    return () => {
      scheme.removeEventListener('change', draw)
      resized.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [look])

  useEffect(() => plot.current?.setData(aligned(columns)), [JSON.stringify(columns)])

  useEffect(() => plot.current?.redraw(false), [tick])

  const move = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (by === undefined) return
    event.preventDefault()
    const next = shown === null ? 0 : Math.min(Math.max(shown + by, 0), periods.length - 1)
    setShown(next)
    pointAt(plot.current, periods[next])
  }
  return (
    <figure class="chart">
      <figcaption>
        {title} <span class="quiet">kW</span>
      </figcaption>
      <Legend lines={lines} />
      <div
        ref={place}
        class="plot"
        tabIndex={0}
        role="group"
        aria-label={`Chart: ${title}. The arrow keys read it period by period; the table holds the same figures.`}
        onKeyDown={move}
      />
      <p class="readout" aria-live="polite">
        {shown === null ? ' ' : readout(periods[shown], shown, lines)}
      </p>
    </figure>
  )
}

function readout(
  period: Props['periods'][number] | undefined,
  index: number,
  lines: Props['lines'],
) {
  if (period === undefined) return ' '
  const values = lines.map(({ label, of }) => {
    const value = of(index)
    return `${label} ${value === null ? 'not known yet' : formatPower(value)}`
  })
  const [from, to] = [formatClock(period.start, zone.value), formatClock(period.end, zone.value)]
  return `${from}–${to}: ${values.join(', ')}`
}

function Legend({ lines }: { lines: readonly Line[] }) {
  return (
    <ul class="legend">
      {lines.map(({ label, colour, dash, width, isFilled }) => (
        <li key={label}>
          <svg width="28" height="12" aria-hidden="true" style={{ color: `var(${colour})` }}>
            {isFilled && <rect width="28" height="12" fill="currentColor" opacity="0.22" />}
            <line
              x1="0"
              x2="28"
              y1={isFilled ? 1.5 : 6}
              y2={isFilled ? 1.5 : 6}
              stroke="currentColor"
              stroke-width={width}
              stroke-dasharray={dash.join(' ')}
            />
          </svg>
          {label}
        </li>
      ))}
    </ul>
  )
}

function pointAt(plot: uPlot | null, period: { start: string; end: string } | undefined): void {
  if (plot === null || period === undefined) return
  const middle = (Date.parse(period.start) + Date.parse(period.end)) / 2000
  plot.setCursor({ left: plot.valToPos(middle, 'x'), top: 0 }, false)
}

function makePlot(
  element: HTMLElement,
  lines: readonly Line[],
  latest: { readonly current: Columns },
  periods: Props['periods'],
  show: (index: number | null) => void,
): uPlot {
  const styles = getComputedStyle(element)
  const colour = (name: string) => styles.getPropertyValue(name).trim()
  const font = `12px ${styles.fontFamily}`
  const axis = { stroke: colour('--muted'), font, ticks: { stroke: colour('--line') } }
  const stepped = uPlot.paths.stepped?.({ align: 1 })
  return new uPlot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false }, points: { show: false } },
      scales: { x: { time: true }, y: { range: (_u, low, high) => yRange(low, high) } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          values: (_u, seconds) => seconds.map((at) => formatClock(at * 1000, zone.peek())),
          space: 64,
          size: 30,
        },
        {
          ...axis,
          grid: { stroke: colour('--line'), width: 1 },
          size: 52,
          values: (_u, watts) =>
            watts.map((value) => formatThousandth(Math.round(value)).replace(/\.0$/, '')),
        },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: colour(line.colour),
          width: line.width,
          dash: [...line.dash],
          ...(line.isFilled ? { fill: `${colour(line.colour)}38` } : {}),
          ...(stepped === undefined ? {} : { paths: stepped }),
          points: { show: false },
        })),
      ],
      hooks: {
        draw: [(u) => drawNow(u, colour('--ink'), font)],
        setCursor: [
          (u) => {
            const left = u.cursor.left ?? -1
            if (left < 0) return show(null)
            const at = u.posToVal(left, 'x') * 1000
            const found = periods.findIndex(
              ({ start, end }) => Date.parse(start) <= at && at < Date.parse(end),
            )
            show(found < 0 ? null : found)
          },
        ],
      },
    },
    aligned(latest.current),
    element,
  )
}

function aligned(columns: Columns): uPlot.AlignedData {
  return columns as unknown as uPlot.AlignedData
}

/** Power is read from zero, with a little air above. */
function yRange(low: number | null, high: number | null): [number, number] {
  const [bottom, top] = [Math.min(low ?? 0, 0), Math.max(high ?? 0, 0)]
  const air = (top - bottom || 1000) * 0.2
  return [bottom < 0 ? bottom - air / 2 : 0, top + air]
}

function drawNow(u: uPlot, ink: string, font: string): void {
  const now = businessNow.peek()
  const { min, max } = u.scales['x'] ?? {}
  if (now === null || min == null || max == null) return
  if (now / 1000 < min || now / 1000 > max) return
  const x = Math.round(u.valToPos(now / 1000, 'x', true))
  const { ctx, bbox } = u
  const ratio = uPlot.pxRatio
  ctx.save()
  ctx.strokeStyle = ink
  ctx.fillStyle = ink
  ctx.lineWidth = ratio
  ctx.beginPath()
  ctx.moveTo(x, bbox.top)
  ctx.lineTo(x, bbox.top + bbox.height)
  ctx.stroke()
  ctx.font = font.replace('12px', `${12 * ratio}px`)
  const isAtEnd = x > bbox.left + bbox.width - 40 * ratio
  ctx.textAlign = isAtEnd ? 'right' : 'left'
  ctx.textBaseline = 'top'
  ctx.fillText('now', x + (isAtEnd ? -4 : 4) * ratio, bbox.top)
  ctx.restore()
}
