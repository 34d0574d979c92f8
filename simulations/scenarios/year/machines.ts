import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import type { Rating } from '#domain/resource.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { seededRandom } from '../../random.ts'
import type { YearDevice } from './fleet.ts'
import type { Truth } from './law.ts'

/** Cars come home before this, and stay until the next morning. */
const PLUGGED_SECONDS = 3_600
const STAYS_SECONDS = 12 * 3_600
const START_REGISTER_WH = 100_000
/** A home battery lasts so long at full power, and is so full in the evening. */
const BATTERY_HOURS = 4
const EVENING_CHARGE = 0.9
const BATTERY_RESERVE = 0.1

/** What becomes of a device right before the window: of those that are not reached, how. */
type Fate = 'as-it-does' | 'silent' | 'line-lost'

/** A machine of one evening, as the law has it. */
export type YearMachine = {
  readonly options: SimulatedDeviceOptions
  /** False: nothing is heard of it all evening. */
  readonly isHeard: boolean
  readonly fate: Fate
}

/** What an enrolment says of a device. */
export function ratingOf({ kind, powerW }: YearDevice): Rating {
  const rating = { importMaxW: powerW, phases: powerW > 7_500 ? 3 : 1 } as const
  if (kind === 'charger') {
    const importMinW = rating.phases === 3 ? 4_100 : 1_400
    return { ...rating, exportMaxW: 0, importMinW, energyWh: 0, reserveWh: 0, pausable: true }
  }
  const energyWh = powerW * BATTERY_HOURS
  const reserveWh = energyWh * BATTERY_RESERVE
  return { ...rating, exportMaxW: powerW, importMinW: 0, energyWh, reserveWh, pausable: false }
}

/**
 * A car that is away leaves its charger heard and idle; a battery that is away is not heard. Of
 * those that the law does not let be reached some say nothing, some lose their line, some refuse.
 */
export function machineOn(
  seed: number,
  day: number,
  windowStart: Instant,
  device: YearDevice,
  { isOffered, isReached, share }: Truth,
): YearMachine {
  const { kind, ref, make, powerW } = device
  const how = seededRandom(seed, 'year', ref, 'unreached', day).next()
  const refuses = isReached || how < 0.75 ? {} : { refuses: 'out of order' }
  const fate = isReached || how >= 0.75 ? 'as-it-does' : how < 0.4 ? 'silent' : 'line-lost'
  const plain = { kind, make, share, registerWh: START_REGISTER_WH, ...refuses }
  if (kind === 'battery') {
    const energyWh = powerW * BATTERY_HOURS
    const options = { ...plain, naturalW: 0, storedWh: energyWh * EVENING_CHARGE, energyWh }
    return { options, isHeard: isOffered, fate }
  }
  if (!isOffered) return { options: { ...plain, naturalW: 0 }, isHeard: true, fate }
  const session = {
    startedAt: addSeconds(windowStart, -PLUGGED_SECONDS),
    endedAt: null,
    energyNeededWh: powerW * 3,
    departureAt: addSeconds(windowStart, STAYS_SECONDS),
    startRegisterWh: START_REGISTER_WH,
  }
  return { options: { ...plain, naturalW: powerW, session }, isHeard: true, fate }
}
