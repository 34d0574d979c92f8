import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ONLY_ON, type QuirkId, QUIRKS } from '#simulations/devices/quirks/catalogue.ts'

/** The table in simulations/README.md, cell by cell. */
function table(): string[][] {
  const text = readFileSync(new URL('../../simulations/README.md', import.meta.url), 'utf8')
  const section = text.slice(text.indexOf('\n## Quirks'), text.indexOf('\n## The log'))
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, 4))
}

test('the README lists every switch with what it does, and no other', () => {
  const ids = Object.keys(QUIRKS) as QuirkId[]
  expect(table()).toEqual(
    ids.map((id) => [
      `\`${id}\``,
      QUIRKS[id],
      ONLY_ON[id] === undefined ? '' : `OCPP ${ONLY_ON[id]}`,
    ]),
  )
})

test('every switch has a test of its own under its name', () => {
  const source = ['machine-quirks', 'line-quirks', 'station-ocpp21']
    .map((name) => readFileSync(new URL(`./devices/${name}.test.ts`, import.meta.url), 'utf8'))
    .join('\n')
  const untold = Object.keys(QUIRKS).filter((id) => !new RegExp(`\\b${id}\\b`).test(source))
  expect(untold).toEqual([])
})
