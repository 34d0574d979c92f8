import { writeFile } from 'node:fs/promises'
import { createWallTimer } from '#processes/wall-time.ts'
import { figuresOf } from '#simulations/scenarios/year/figures.ts'
import { yearWorld } from '#simulations/scenarios/year/play.ts'
import { PROMISED_RISK } from '#simulations/scenarios/year/policy.ts'
import { yearPicture } from './picture.ts'
import { type AppYear, playAppYear } from './through-app/play-year.ts'
import { percent, rounded, type YearOptions } from './year.ts'

/** Fewer than on paper: every one of them is metered, signed for, measured, verified and paid. */
const DEVICES = 120
const TELL_EVERY = 20

/**
 * A year of calls through the whole product in simulated time. Exit code 0: as many calls came out
 * short as a kept promise has, and every call was paid or declined.
 */
export async function simulateAppYear({ seed, calls, svg, json }: YearOptions): Promise<number> {
  const timer = createWallTimer()
  const begun = timer.monotonicMs()
  const world = yearWorld(seed, DEVICES)
  const year = await playAppYear(world, calls, (played) => {
    if (played % TELL_EVERY === 0) process.stderr.write(`${played} calls are paid\n`)
  })
  const figures = figuresOf(year.calls)
  if (svg !== undefined) await writeFile(svg, yearPicture(seed, year.calls, figures))
  const told = {
    scenario: 'year',
    through: 'app',
    seed,
    calls,
    devices: DEVICES,
    promisedRisk: PROMISED_RISK,
    ok: figures.isInside && Object.keys(year.otherwise).every((state) => state === 'declined'),
    margins: [rounded({ name: 'calibrated', ...figures })],
    independentOverHeld: Number(overHeldOf(year).toPrecision(4)),
    otherwise: year.otherwise,
    repairs: year.repairs,
    tookSeconds: Math.round((timer.monotonicMs() - begun) / 1_000),
    picture: svg ?? null,
  }
  process.stdout.write(json ? `${JSON.stringify(told)}\n` : `${describe(told)}\n`)
  return told.ok ? 0 : 1
}

/** Beyond what was ordered, as the figures of a margin. */
function overHeldOf({ calls, independentW }: AppYear): number {
  const beyond = calls.map(({ orderedW }, i) => (independentW[i] ?? 0) / orderedW - 1)
  return beyond.reduce((sum, share) => sum + share, 0) / Math.max(1, beyond.length)
}

type Told = {
  readonly seed: number
  readonly calls: number
  readonly devices: number
  readonly margins: readonly ReturnType<typeof figuresOf>[]
  readonly independentOverHeld: number
  readonly otherwise: Readonly<Record<string, number>>
  readonly repairs: number
  readonly tookSeconds: number
  readonly picture: string | null
}

function describe(told: Told): string {
  const { seed, calls, devices, margins, independentOverHeld, otherwise, repairs } = told
  const [figures] = margins
  if (figures === undefined) throw new Error('no year was played')
  const [low, high] = figures.interval
  const others = Object.entries(otherwise).map(([state, count]) => `${count} ${state}`)
  return [
    `seed ${seed}: ${calls} calls through the app, ${devices} devices, in ${told.tookSeconds} s`,
    `promised: short in ${percent(PROMISED_RISK)} of them; short: ${figures.short} of ${figures.calls}, ${percent(figures.shortShare)}`,
    `a promise that is kept has ${low} to ${high} short calls in 95 % of years: ` +
      `${figures.short} ${figures.isInside ? 'is' : 'is not'} among them`,
    `held beyond the order: ${percent(figures.overHeld)}; each device failing by itself would hold ${percent(independentOverHeld)}`,
    `called beyond the order: ${percent(figures.overCalled)}; ${repairs} repairs`,
    `energy in the windows: ${percent(figures.energyShare)} of what was ordered; ` +
      `ordered: ${percent(figures.promisedShare)} of what was requested`,
    ...(others.length === 0 ? [] : [`not paid: ${others.join(', ')}`]),
    ...(told.picture === null ? [] : [`picture: ${told.picture}`]),
  ].join('\n')
}
