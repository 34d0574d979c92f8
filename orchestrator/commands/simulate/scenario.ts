import { writeFile } from 'node:fs/promises'
import { type ResourceDecisions, decisionsOf } from '#domain/decision.ts'
import { DECISION_WORDS } from '#domain/decision-words.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { reboundSentence } from '#domain/rebound/words.ts'
import { formatInstant } from '#domain/time.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import { callsPicture } from './call-picture.ts'
import { drawnCall, drawnRebound } from './drawn-call.ts'
import { type PlayedCall, playScenario } from './play-scenario.ts'

export type ScenarioOptions = {
  readonly scenario: Scenario
  readonly disobey: number
  readonly svg: string | undefined
  readonly json: boolean
}

/**
 * A scenario's calls without sockets or wall time: what came of them, what was decided about each
 * device and why, and a picture. Exit code 0: all are measured, and nobody is without a reason.
 */
export async function simulateScenario(options: ScenarioOptions): Promise<number> {
  const { scenario, disobey, svg, json } = options
  const played = await playScenario(scenario, disobey)
  const { main, overlapping } = scenario.calls
  const calls = played.map((one, i) => {
    const { congestionPoint } = (i === 0 ? main : overlapping) ?? main
    return { ...told(one), isComplete: isComplete(scenario, congestionPoint, one) }
  })
  if (svg !== undefined) await writeFile(svg, pictureOf(scenario, played))
  const ok = calls.every(({ state, isComplete: complete }) => state === 'measured' && complete)
  const { name, seed } = scenario
  const report = { scenario: name, seed, disobey, ok, calls, picture: svg ?? null }
  const text = json ? JSON.stringify(report) : describe(report)
  process.stdout.write(`${text}\n`)
  return ok ? 0 : 1
}

/** Everybody who is enrolled where the call was has one decision. */
function isComplete({ sites, devices }: Scenario, congestionPoint: string, { call }: PlayedCall) {
  const near = new Set(
    sites.filter((site) => site.congestionPoint === congestionPoint).map(({ ref }) => ref),
  )
  const enrolled = devices.filter(({ site }) => near.has(site)).map(({ ref }) => ref)
  const decided: string[] = decisionsOf(call).map(({ resourceId }) => resourceId)
  return decided.length === enrolled.length && enrolled.every((ref) => decided.includes(ref))
}

function told({ call }: PlayedCall) {
  const { id, state, settlement, repairs, reasons } = call
  return {
    callId: id,
    state,
    reasons,
    orderedWh: settlement?.orderedWh ?? null,
    deliveredWh: settlement?.deliveredWh ?? null,
    deficientWh: settlement?.deficientWh ?? null,
    repairs: repairs.length,
    afterWindow: reboundSentence(call.rebound),
    rebound: reboundFigures(call),
    decisions: decisionsOf(call).map(decisionLine),
  }
}

/** What was planned for the time after the window and what came of it; null: nothing. */
function reboundFigures({ rebound }: FlexibilityCall) {
  if (rebound === undefined) return null
  const { periods, overshootW, doneAt, measured } = rebound
  return {
    resources: rebound.restarts.length,
    plannedPeakW: Math.max(0, ...periods.map(({ powerW }) => powerW)),
    plannedOvershootW: overshootW,
    doneAt: doneAt === null ? null : formatInstant(doneAt),
    peakW: measured?.peakW ?? null,
    overshootW: measured?.overshootW ?? null,
    drawnWh: measured?.drawnWh ?? null,
    baselineWh: measured?.baselineWh ?? null,
  }
}

function decisionLine({ resourceId, final: { code }, passedOver }: ResourceDecisions) {
  const { outcome, owner, grid } = DECISION_WORDS[code]
  const passed = passedOver.map((one) => one.code)
  return { resourceId, outcome, code, sentence: grid, toOwner: owner, passedOver: passed }
}

function pictureOf({ name, seed }: Scenario, played: readonly PlayedCall[]): string {
  const drawn = played.flatMap(({ call, bundle }, i) => {
    if (bundle === null) return []
    const { settlement } = call
    const came = `${settlement?.deliveredWh ?? 0} of ${settlement?.orderedWh ?? 0} Wh ordered`
    const heading = `Call ${i + 1}, ${came}: power of all that had a part, kW`
    return [drawnCall(heading, bundle, drawnRebound(call.rebound))]
  })
  return callsPicture(`Scenario ${name}, seed ${seed}`, drawn)
}

type Report = {
  readonly scenario: string
  readonly seed: number
  readonly calls: readonly ReturnType<typeof told>[]
  readonly picture: string | null
}

function describe({ scenario, seed, calls, picture }: Report): string {
  const parts = calls.flatMap(
    ({ state, orderedWh, deliveredWh, repairs, decisions, afterWindow }, i) => {
      const rows = [...Map.groupBy(decisions, ({ code }) => code)]
        .sort(([, a], [, b]) => b.length - a.length)
        .map(
          ([code, mine]) =>
            `  ${code.padEnd(24)}${`${mine.length}`.padStart(4)}   ${mine[0]?.sentence}`,
        )
      const came = `${deliveredWh ?? 0} of ${orderedWh ?? 0} Wh delivered, ${repairs} repairs`
      const after = afterWindow === null ? [] : [`  after the window: ${afterWindow}`]
      return [`call ${i + 1}: ${state}, ${came}`, ...rows, ...after, '']
    },
  )
  const drawn = picture === null ? [] : [`picture: ${picture}`]
  return [`scenario ${scenario}, seed ${seed}`, '', ...parts, ...drawn].join('\n')
}
