/** A 1.6 charge point for the tests: connected, booted, with a car. */
import { formatInstant, instant } from '#domain/time.ts'
import { ANSWERS_16, BOOT_16, connectStation, type WireStation } from './wire-station.ts'
import { PASSWORD, START, until, type World } from './world.ts'

export async function dial16(world: World, answers: object = {}): Promise<WireStation> {
  return await connectStation(world.driver.url('CP-1'), {
    password: PASSWORD,
    answers: { ...ANSWERS_16, ...answers },
  })
}

/** Connected, booted, set up. */
export async function join16(world: World, answers: object = {}): Promise<WireStation> {
  const before = world.heard.connected.length
  const station = await dial16(world, answers)
  await station.call('BootNotification', BOOT_16)
  await until('the set-up', () => world.heard.connected.length > before, 8_000)
  return station
}

/** A car is plugged in at `at`; the answer's transaction id. */
export async function plugIn16(station: WireStation, at = START): Promise<number> {
  const frame = await station.call('StartTransaction', {
    connectorId: 1,
    idTag: 'TAG',
    meterStart: 1_000,
    timestamp: formatInstant(at),
  })
  return (frame[2] as { transactionId: number }).transactionId
}

export function meterValue16(
  at: number,
  powerW: string,
  registerWh: string,
  context = 'Sample.Clock',
) {
  return {
    timestamp: formatInstant(instant(at)),
    sampledValue: [
      { value: powerW, measurand: 'Power.Active.Import', unit: 'W', context },
      { value: registerWh, measurand: 'Energy.Active.Import.Register', unit: 'Wh', context },
    ],
  }
}
