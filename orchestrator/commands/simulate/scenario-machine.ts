import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { Clock } from '#ports.ts'
import type { ScenarioCharger, ScenarioDevice, Visit } from '#simulations/scenarios/scenario.ts'

const HOUR_MS = 3_600_000

/**
 * The machine in memory that stands for a device of a scenario: no protocol, no losses, at once.
 * What it draws by itself and whether it obeys is read anew at each step.
 */
export function machineOf(
  device: ScenarioDevice,
  clock: Clock,
  disobedient: ReadonlySet<string>,
): SimulatedDeviceOptions {
  if (device.kind === 'charger') return chargerOf(device, clock, disobedient)
  const { rating, battery } = device
  return {
    kind: 'battery',
    naturalW: battery.revertW,
    registerWh: battery.importedWh - battery.exportedWh,
    storedWh: battery.soc * rating.energyWh,
    energyWh: rating.energyWh,
    get disobeys() {
      return disobedient.has(device.ref)
    },
  }
}

function chargerOf(
  device: ScenarioCharger,
  clock: Clock,
  disobedient: ReadonlySet<string>,
): SimulatedDeviceOptions {
  const machine = {
    kind: 'charger' as const,
    registerWh: device.registerWh,
    get naturalW() {
      return drawsW(device, clock.now())
    },
    get disobeys() {
      return disobedient.has(device.ref)
    },
  }
  const now = clock.now()
  const visit = device.visits.find(({ pluggedInAt, departureAt }) => {
    return Date.parse(pluggedInAt) <= now && now < Date.parse(departureAt)
  })
  // Onto the machine itself: a copy would hold what its getters say now.
  if (visit) Object.assign(machine, { session: sessionOf(device, visit, now) })
  return machine
}

function sessionOf({ registerWh }: ScenarioCharger, visit: Visit, now: Instant) {
  const { pluggedInAt, chargingFrom, departureAt, energyNeededWh, car } = visit
  const soFarWh = (car.maxW * Math.max(0, now - Date.parse(chargingFrom))) / HOUR_MS
  return {
    startedAt: instant(Date.parse(pluggedInAt)),
    endedAt: null,
    energyNeededWh,
    departureAt: instant(Date.parse(departureAt)),
    startRegisterWh: Math.floor(registerWh - Math.min(soFarWh, roomWh(visit))),
  }
}

/** In the interval that ends now: all that its car can take, until that is full or gone. */
function drawsW({ visits }: ScenarioCharger, now: Instant): number {
  const visit = visits.find((one) => {
    const from = Date.parse(one.chargingFrom)
    const full = from + (roomWh(one) * HOUR_MS) / one.car.maxW
    return from < now && now <= Math.min(full, Date.parse(one.departureAt))
  })
  return visit?.car.maxW ?? 0
}

/** At the meter. */
function roomWh({ car }: Visit): number {
  return (car.capacityWh * (car.stopAtSoc - car.socAtPlugIn)) / car.efficiency
}
