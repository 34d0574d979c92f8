import type { FairPlay } from './fair-play.ts'
import type { BaselinesOptions } from './options.ts'
import { bestStandard, isStateBased, type WindowStudy } from './study.ts'
import { figure, table } from './table.ts'
import { POLICIES, type ZeroResponse } from './zero-response.ts'

/** RRMSE and bias of every method in every window, the best of the first window first. */
export function describeStudies(
  { trial, file }: BaselinesOptions,
  studies: readonly WindowStudy[],
): string {
  const [main] = studies
  const minutes = trial.series.intervalSeconds / 60
  const days = main?.placebos.windows.length ?? 0
  const order = (main?.methods ?? [])
    .map((study, index) => ({ index, error: study.accuracy?.rrmsePercent ?? Infinity }))
    .toSorted((a, b) => a.error - b.error)
  const rows = order.map(({ index }) => [
    main?.methods[index]?.method.name ?? '',
    ...studies.map(({ methods }) => pair(methods[index]?.accuracy ?? null)),
    String(main?.methods[index]?.run.outcomes.length ?? 0),
    reasons(main?.methods[index]?.run.refusals ?? new Map()),
  ])
  const heads = ['RRMSE / bias, %', ...studies.map(({ window }) => window.name), 'windows', '']
  return [
    `${file}: ${days} working days without a call, ${minutes} min, ${trial.timeZone}`,
    ...leftOut(main),
    '',
    table([heads, ...rows]),
    ...studies.map(verdict),
    '',
  ].join('\n')
}

function pair(accuracy: { rrmsePercent: number; biasPercent: number } | null): string {
  if (accuracy === null) return '-'
  const { rrmsePercent, biasPercent } = accuracy
  const sign = biasPercent >= 0 ? '+' : ''
  return `${figure(rrmsePercent)} / ${sign}${figure(biasPercent)}`
}

function reasons(refusals: ReadonlyMap<string, number>): string {
  return [...refusals].map(([reason, count]) => `${count} ${reason}`).join(', ')
}

function leftOut(main: WindowStudy | undefined): string[] {
  const days = main?.placebos.incompleteDays ?? []
  if (days.length === 0) return []
  return [`left out, an interval is missing: ${days.join(', ')}`]
}

function verdict(study: WindowStudy): string {
  const standard = bestStandard(study)
  const ours = study.methods.find(isStateBased)
  if (standard?.accuracy == null) return `${study.window.name}: no method counts a window`
  const error = figure(standard.accuracy.rrmsePercent)
  const best = `best standard method ${standard.method.name} ${error} %`
  if (ours?.accuracy == null) return `${study.window.name}: ${best}`
  const ratio = ours.accuracy.rrmsePercent / standard.accuracy.rrmsePercent
  return (
    `${study.window.name}: ${best}; ${ours.method.name} ` +
    `${figure(ours.accuracy.rrmsePercent)} %, ${figure(ratio, 2)} of it`
  )
}

/** What a fleet that did nothing would be paid, all of its baseline ordered. */
export function describeZeroResponse(
  paid: readonly (readonly [string, ZeroResponse])[],
  window: string,
): string {
  const names = POLICIES.map(({ name }) => name)
  const rows = paid.map(([method, one]) => [
    method,
    ...names.map((name) => figure(one.paid[name], 2)),
    figure(one.signed, 2),
  ])
  return table([[`paid for no response, % of load, ${window}`, ...names, 'signed sum'], ...rows])
}

export function describeFairPlay(fairPlay: FairPlay): string {
  const names = [...new Set([...fairPlay.told, ...fairPlay.refused].map(({ method }) => method))]
  const notices = [...new Set([...fairPlay.told, ...fairPlay.refused].map(({ notice }) => notice))]
  const burnt = [...new Set(fairPlay.guessed.map((one) => one.burnt))]
  const rows = names.map((name) => [
    name,
    ...notices.map((notice) => {
      const found = fairPlay.told.find((one) => one.method === name && one.notice === notice)
      return found === undefined ? 'refused' : figure(found.ratio, 3)
    }),
    ...burnt.map((length) => {
      const found = fairPlay.guessed.find((one) => one.method === name && one.burnt === length)
      return figure(found?.ratio, 3)
    }),
  ])
  const heads = [
    'phantom kWh per kWh burnt before the window',
    ...notices.map((notice) => `told ${notice}`),
    ...burnt.map((length) => `silent, guessed, ${length}`),
  ]
  const blind = fairPlay.blind.map(
    ({ method, halfHours, ratio }) =>
      `silent, any half-hour of ${halfHours}, one call in five days: ${method} ${figure(ratio, 3)}`,
  )
  const checks = fairPlay.checks.map(
    ({ name, flaggedPercent }) => `${name} ${figure(flaggedPercent)} %`,
  )
  const flagged = `pre-window check, half-hour before the window flagged: ${checks.join(', ')}`
  return `${table([heads, ...rows])}${[...blind, flagged].join('\n')}\n`
}
