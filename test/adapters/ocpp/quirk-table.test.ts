import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { QUIRK_PROFILES, type QuirkProfile } from '#adapters/ocpp/quirks.ts'

const README = new URL('../../../adapters/ocpp/README.md', import.meta.url)
const [BEGIN, END] = ['<!-- quirk profiles: begin -->\n', '<!-- quirk profiles: end -->']

function matchOf({ vendor, model, firmware }: QuirkProfile): string {
  const patterns = [vendor, model, firmware].filter((one) => one !== null)
  return patterns.map(({ source }) => `\`${source.replaceAll('|', '\\|')}\``).join(' ')
}

function doneOf(quirks: QuirkProfile): string {
  const done = [
    quirks.version === undefined ? null : `OCPP ${quirks.version.slice('ocpp'.length)}`,
    quirks.unit ?? null,
    quirks.kind ?? null,
    quirks.purpose ?? null,
    quirks.stackLevel === undefined ? null : `level ${quirks.stackLevel}`,
    quirks.stationMax === undefined ? null : 'no maximum profile',
    quirks.largestLimitA === undefined ? null : `at most ${quirks.largestLimitA} A`,
    quirks.timesAfterPause === undefined ? null : 'limit twice after a pause',
    quirks.readBack === undefined ? null : `read back: ${quirks.readBack}`,
    quirks.meterIntervalSeconds === undefined
      ? null
      : `values every ${quirks.meterIntervalSeconds} s`,
    quirks.measurands === undefined ? null : `${quirks.measurands.length} measurands`,
  ].filter((one) => one !== null)
  return done.length === 0 ? '–' : done.join(', ')
}

test('the README shows the quirk profiles as they are', () => {
  const rows = QUIRK_PROFILES.map(
    (one) =>
      `| ${one.name} | ${matchOf(one)} | ${one.why} | ${doneOf(one)} | ${one.threads.join(', ')} |`,
  )
  const table = [
    '| profile | matches | why | so | told in |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
  const text = readFileSync(README, 'utf8')
  const shown = text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END))
  expect(shown).toBe(table)
})
