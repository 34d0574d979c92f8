/** Light and dark are the reader's: a picture brings its own ground and words for both. */
const STYLE = `
  svg { color-scheme: light dark; font: 13px system-ui, sans-serif }
  .ground { fill: #ffffff } .word { fill: #1a2230 } .quiet { fill: #566070 }
  .grid { stroke: #d5dae2 } .axis { stroke: #566070 } .askedword { fill: #b3261e }
  .asked { stroke: #b3261e; stroke-dasharray: 5 4 }
  .own { fill: #0b6e4f } .standard { fill: #4a74b5 } .bias { fill: #c77700 }
  .held { fill: #8cc9b1 } .fee { fill: #8a93a3 } .penalty { fill: #b3261e }
  .locked { fill: none; stroke: #566070; stroke-dasharray: 3 3 }
  .series { fill: none; stroke-width: 2 }
  .series-baseline { stroke: #4a74b5 } .series-measured { stroke: #0b6e4f }
  .series-requested { stroke: #566070; stroke-dasharray: 2 4 }
  .series-ordered { stroke: #b3261e; stroke-dasharray: 7 4 }
  .series-planned { stroke: #c77700; stroke-dasharray: 5 3 }
  .series-room { stroke: #7a3e9d; stroke-dasharray: 9 3 2 3 }
  .mark { fill: none; stroke: #1a2230; stroke-width: 1.4 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #12161d } .word { fill: #e8ecf2 } .quiet { fill: #a4adba }
    .grid { stroke: #2d3542 } .axis { stroke: #a4adba } .asked { stroke: #ff8a80 }
    .askedword { fill: #ff8a80 }
    .own { fill: #3fc48f } .standard { fill: #7ba6e8 } .bias { fill: #f0a33a }
    .held { fill: #1f5f47 } .fee { fill: #747d8c } .penalty { fill: #ff8a80 }
    .locked { stroke: #a4adba }
    .mark { stroke: #e8ecf2 }
    .series-baseline { stroke: #7ba6e8 } .series-measured { stroke: #3fc48f }
    .series-requested { stroke: #a4adba } .series-ordered { stroke: #ff8a80 }
    .series-planned { stroke: #f0a33a } .series-room { stroke: #cf9bf0 }
  }`

/** A drawing of its own that says what it is to those who cannot see it. */
export function drawing(
  title: string,
  size: { readonly width: number; readonly height: number },
  parts: readonly string[],
): string {
  const { width, height } = size
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
      `aria-labelledby="title">`,
    `<title id="title">${text(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    word(20, 28, 'word', title, 'font-size="17" font-weight="600"'),
    ...parts,
    '</svg>',
  ].join('\n')}\n`
}

/** A filled rectangle of a kind that the style names. */
export function bar(
  kind: string,
  at: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): string {
  const place = `x="${at.x.toFixed(1)}" y="${at.y}"`
  const size = `width="${Math.max(0, at.width).toFixed(1)}" height="${at.height}" rx="2"`
  return `<rect class="${kind}" ${place} ${size}/>`
}

/** A row of swatches or marks with their words, from the left. */
export function legend(
  y: number,
  items: readonly { readonly shape: (x: number) => string; readonly words: string }[],
): string[] {
  let left = 20
  return items.flatMap(({ shape, words }) => {
    const parts = [shape(left), word(left + 18, y + 4, 'word', words)]
    left += 34 + words.length * 7.4
    return parts
  })
}

/** Lines and words of a scale from 0. */
export function scale(
  max: number,
  unit: string,
  at: { readonly x: (value: number) => number; readonly top: number; readonly bottom: number },
): string[] {
  const step = stepFor(max)
  const lines: string[] = []
  for (let value = 0; value <= max + step / 1000; value += step) {
    const x = at.x(value).toFixed(1)
    const kind = value === 0 ? 'axis' : 'grid'
    lines.push(`<line class="${kind}" x1="${x}" y1="${at.top}" x2="${x}" y2="${at.bottom}"/>`)
    const told = Number(value.toPrecision(6))
    const middle = 'text-anchor="middle"'
    lines.push(word(at.x(value), at.bottom + 18, 'quiet', `${told} ${unit}`, middle))
  }
  return lines
}

/** The end of a scale that holds a value. */
export function niceMax(value: number): number {
  const step = stepFor(value)
  return Math.ceil(value / step) * step
}

/** 1, 2 or 5 times a power of ten, about six of them. */
function stepFor(max: number): number {
  const rough = Math.max(max, Number.MIN_VALUE) / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const lead = rough / power
  return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10)
}

export function word(x: number, y: number, kind: string, words: string, more = ''): string {
  const place = `x="${x.toFixed(1)}" y="${y}"${more === '' ? '' : ` ${more}`}`
  return `<text class="${kind}" ${place}>${text(words)}</text>`
}

function text(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
