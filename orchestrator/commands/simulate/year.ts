import { writeFile } from 'node:fs/promises'
import { forecastFigures } from '#simulations/scenarios/year/availability.ts'
import { figuresOf, type YearFigures } from '#simulations/scenarios/year/figures.ts'
import { callDays, playYear, yearWorld } from '#simulations/scenarios/year/play.ts'
import { POLICY_NAMES, type PolicyName, PROMISED_RISK } from '#simulations/scenarios/year/policy.ts'
import { table } from '../backtest/table.ts'
import { yearPicture } from './picture.ts'

export type YearOptions = {
  readonly seed: number
  readonly calls: number
  readonly svg: string | undefined
  readonly json: boolean
}

const SAYS: Readonly<Record<PolicyName, string>> = {
  calibrated: 'common failures, risk that follows the outcomes',
  'common-mode': 'common failures',
  independent: 'each device fails by itself',
}

/**
 * A year of calls under three ways of setting margins, the failures the same for each. Exit code 0: the
 * margin that the product uses keeps the promise.
 */
export async function simulateYear({ seed, calls, svg, json }: YearOptions): Promise<number> {
  const world = yearWorld(seed)
  const years = POLICY_NAMES.map((name) => ({ name, calls: playYear(world, calls, name) }))
  const margins = years.map((year) => ({ name: year.name, ...figuresOf(year.calls) }))
  const forecasts = forecastFigures(world.fleet, world.law, callDays(seed, calls))
  const [first, ...others] = margins
  const played = years[0]?.calls
  if (first === undefined || played === undefined) throw new Error('no year was played')
  if (svg !== undefined) await writeFile(svg, yearPicture(seed, played, first))
  const told = {
    scenario: 'year',
    seed,
    calls,
    devices: world.fleet.length,
    promisedRisk: PROMISED_RISK,
    ok: first.isInside,
    margins: [first, ...others].map(rounded),
    forecasts: forecasts.map(rounded),
    picture: svg ?? null,
  }
  process.stdout.write(
    json ? `${JSON.stringify(told)}\n` : `${describe(told, [first, ...others])}\n`,
  )
  return told.ok ? 0 : 1
}

type Told = {
  readonly seed: number
  readonly calls: number
  readonly devices: number
  readonly forecasts: ReturnType<typeof forecastFigures>
  readonly picture: string | null
}

function describe(
  { seed, calls, devices, forecasts, picture }: Told,
  margins: readonly ({ readonly name: PolicyName } & YearFigures)[],
): string {
  const heads = ['margin', 'short', '', 'held beyond', 'called beyond', 'energy', 'pinball loss']
  const rows = margins.map((one) => [
    SAYS[one.name],
    `${one.short} of ${one.calls}`,
    percent(one.shortShare),
    percent(one.overHeld),
    percent(one.overCalled),
    percent(one.energyShare),
    percent(one.pinball, 2),
  ])
  const [low, high] = margins[0]?.interval ?? [0, 0]
  const [first] = margins
  return [
    `seed ${seed}: ${calls} calls, ${devices} devices; promised: short in ${percent(PROMISED_RISK)} of them`,
    '',
    table([heads, ...rows]),
    'held, called, energy and loss are of what was ordered; the reserve is called only where it is needed',
    `a promise that is kept has ${low} to ${high} short calls in 95 % of years: ` +
      `${first?.short ?? '-'} ${first?.isInside === true ? 'is' : 'is not'} among them`,
    ...forecasts.map(
      (one) =>
        `${one.kind === 'charger' ? 'chargers' : 'batteries'}, forecast at noon of the day before, ${one.forecasts} days: ` +
        `${percent(one.underP10)} under P10, ${percent(one.overP90)} over P90; ` +
        `P50 off by ${percent(one.p50Error)}, the mean of ten days by ${percent(one.tenDayMeanError)}`,
    ),
    ...(picture === null ? [] : [`picture: ${picture}`]),
  ].join('\n')
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`
}

/** Four digits of every share. */
export function rounded<T extends object>(figures: T): T {
  const entries = Object.entries(figures).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  ])
  return Object.fromEntries(entries) as T
}
