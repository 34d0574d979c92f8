/** Whatever we ask of a station, whatever it is and can: the published schemas hold for it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import { formatInstant, instant } from '#domain/time.ts'
import { createChecker, type Payload, type Version } from './schema-example.ts'
import { ANSWERS_16, ANSWERS_201, BOOT_16, BOOT_201, connectStation } from './wire-station.ts'
import { charger, PASSWORD, setpoint, START, startWorld, until } from './world.ts'

const wrongWith = createChecker()

const kinds = fc.record({
  vendor: fc.constantFrom('Wire', 'ABB', 'Wallbox', 'EVBox', 'Autel', 'go-e', 'Schneider'),
  phases: fc.constantFrom<1 | 3>(1, 3),
  importMaxW: fc.integer({ min: 3_700, max: 350_000 }),
  importMinW: fc.integer({ min: 0, max: 4_140 }),
  exportMaxW: fc.constantFrom(0, 0, 11_000),
  pausable: fc.boolean(),
  unit: fc.constantFrom('A', 'W', 'A,W', 'Current', 'Power', ''),
  stackLevel: fc.constantFrom('0', '1', '9', 'none'),
  status: fc.constantFrom('Accepted', 'Rejected', 'NotSupported'),
  powersW: fc.array(fc.option(fc.integer({ min: -11_000, max: 400_000 })), {
    minLength: 1,
    maxLength: 4,
  }),
  seconds: fc.integer({ min: 1, max: 100_000 }),
})

type Kind = typeof kinds extends fc.Arbitrary<infer T> ? T : never

async function drive(version: Version, station: Kind) {
  const { vendor, unit, stackLevel, status, powersW, seconds, ...rating } = station
  const resource = charger({ rating })
  const world = await startWorld({}, [resource])
  try {
    const isOld = version === 'ocpp1.6'
    const wire = await connectStation(world.driver.url('CP-1'), {
      protocols: [version],
      password: PASSWORD,
      answers: { ...(isOld ? answers16(unit, stackLevel) : answers2(unit, stackLevel)) },
    })
    await wire.call('BootNotification', isOld ? boot16(vendor) : boot2(vendor))
    await until('the set-up', () => world.heard.connected.length > 0, 10_000)
    const timestamp = formatInstant(START)
    if (isOld) {
      const start = { connectorId: 1, idTag: 'T', meterStart: 0, timestamp }
      await wire.call('StartTransaction', start)
    } else {
      await wire.call('TransactionEvent', {
        eventType: 'Started',
        timestamp,
        triggerReason: 'CablePluggedIn',
        seqNo: 0,
        transactionInfo: { transactionId: 'tx-1' },
        evse: { id: 1 },
      })
    }
    wire.answer('SetChargingProfile', {
      status: status === 'NotSupported' && !isOld ? 'Rejected' : status,
    })
    for (const [index, powerW] of powersW.entries()) {
      const validUntil = instant(START + seconds * 1_000)
      const order = setpoint(resource, { version: index + 1, powerW, validUntil })
      await refusable(world.driver.apply(resource.id, order, 2_000))
      await refusable(world.driver.readBack(resource.id, 2_000))
      if (index % 2 === 1) world.driver.nextStrategy(resource.id)
    }
    return wire.calls
  } finally {
    await world.stop()
  }
}

const boot16 = (chargePointVendor: string) => ({ ...BOOT_16, chargePointVendor })
const boot2 = (vendorName: string) => ({
  ...BOOT_201,
  chargingStation: { ...BOOT_201.chargingStation, vendorName },
})

/** A station may refuse; what is not valid would reject with an Error of another kind. */
async function refusable(order: Promise<unknown>): Promise<void> {
  try {
    await order
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
  }
}

function answers16(unit: string, stackLevel: string) {
  const configurationKey = [
    { key: 'ChargingScheduleAllowedChargingRateUnit', readonly: true, value: unit },
    { key: 'ChargeProfileMaxStackLevel', readonly: true, value: stackLevel },
  ]
  return { ...ANSWERS_16, GetConfiguration: { configurationKey } }
}

function answers2(unit: string, stackLevel: string) {
  const values: Record<string, string> = { RateUnit: unit, ProfileStackLevel: stackLevel }
  return {
    ...ANSWERS_201,
    UpdateDynamicSchedule: { status: 'Accepted' },
    GetVariables: (payload: Payload) => ({
      getVariableResult: (payload['getVariableData'] as Payload[]).map((one) => ({
        ...one,
        attributeStatus: 'Accepted',
        attributeValue: values[String((one['variable'] as Payload)['name'])] ?? 'true',
      })),
    }),
  }
}

test.each<Version>(['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'])(
  'every message that we send on %s is valid',
  async (version) => {
    const sent = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(kinds, async (station) => {
        const calls = await drive(version, station)
        for (const { action, payload } of calls) {
          sent.set(action, (sent.get(action) ?? 0) + 1)
          expect([action, wrongWith(version, `${action}Request`, payload)]).toEqual([action, null])
        }
      }),
      { numRuns: 25, seed: 20_260_302 },
    )
    const often = ['SetChargingProfile', 'ClearChargingProfile', 'GetCompositeSchedule']
    if (version === 'ocpp2.1') often.push('UpdateDynamicSchedule')
    for (const action of often) expect([action, sent.get(action) ?? 0]).not.toEqual([action, 0])
    expect([...sent.values()].reduce((sum, one) => sum + one, 0)).toBeGreaterThan(300)
  },
)
