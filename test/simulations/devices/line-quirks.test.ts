import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeStation } from '#simulations/devices/make-station.ts'
import type { Payload } from '#simulations/devices/ocpp-link.ts'
import type { QuirkId } from '#simulations/devices/quirks/catalogue.ts'
import type { Station } from '#simulations/devices/station.ts'
import { seededRandom } from '#simulations/random.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { at, charger, iso, START, stationWorld } from './charger.ts'
import { Csms, until } from './csms.ts'

/** What a station says and refuses, over a real socket, to a central system that checks schemas. */
const REF = 'res-cp-01'
let csms: Csms
let station: Station | null
/** What the quirk itself breaks in the schemas. */
let allowed: RegExp | null

beforeEach(async () => {
  csms = new Csms()
  station = null
  allowed = null
  csms.passwords.set(REF, 'a5'.repeat(20))
  await csms.start()
})

afterEach(async () => {
  station?.stop()
  await csms.stop()
  expect(csms.deviations.filter((text) => allowed?.test(text) !== true)).toEqual([])
})

async function connected(quirks: QuirkId[], over: Partial<ScenarioCharger> = {}) {
  const device = charger({ quirks, ...over })
  const world = stationWorld(device)
  const random = { line: seededRandom(1, 'line'), physics: seededRandom(1, 'physics') }
  const made = makeStation(device, START, random, world.parts.hooks)
  station = made
  made.connect({ url: csms.url(REF), password: 'a5'.repeat(20) })
  await until('the station has booted', () => made.ready)
  return {
    log: world.log,
    point: made.point,
    station: made,
    advance(seconds: number) {
      world.clock.now = at(seconds)
      made.point.advance(world.clock.now)
    },
  }
}

async function meteredEvery30(): Promise<void> {
  const change = (key: string, value: string) =>
    csms.call(REF, 'ChangeConfiguration', { key, value })
  await change('ClockAlignedDataInterval', '30')
  const measurands = 'Power.Active.Import,Energy.Active.Import.Register,Current.Offered'
  await change('MeterValuesAlignedData', measurands)
}

type Form = {
  purpose?: string
  kind?: string
  level?: number
  unit?: string
  limit?: number
  connectorId?: number
}

/** Sets a profile of the form asked for; the status, or the error's code. */
async function set(transactionId: number | null, form: Form = {}): Promise<string> {
  const { purpose = 'TxProfile', kind = 'Absolute', level = 1, unit = 'A', limit = 10 } = form
  const answer = await csms
    .call(REF, 'SetChargingProfile', {
      connectorId: form.connectorId ?? 1,
      csChargingProfiles: {
        chargingProfileId: 4711,
        ...(transactionId === null ? {} : { transactionId }),
        stackLevel: level,
        chargingProfilePurpose: purpose,
        chargingProfileKind: kind,
        chargingSchedule: {
          ...(kind === 'Relative' ? {} : { startSchedule: iso(-60) }),
          duration: 7200,
          chargingRateUnit: unit,
          chargingSchedulePeriod: [{ startPeriod: 0, limit, numberPhases: 1 }],
        },
      },
    })
    .catch((error: Error): Payload => ({ status: error.message.split(':')[0] }))
  return String(answer.status)
}

async function transaction(): Promise<number> {
  await until('a transaction is told', () => csms.of(REF, 'DataTransfer').length > 0)
  const data = String(csms.of(REF, 'DataTransfer')[0]?.data)
  return (JSON.parse(data) as { transactionId: number }).transactionId
}

async function setting(key: string): Promise<unknown> {
  const answer = await csms.call(REF, 'GetConfiguration', { key: [key] })
  return (answer.configurationKey as Payload[])[0]?.value
}

const values = () =>
  csms.of(REF, 'MeterValues').flatMap(({ meterValue }) => meterValue as Payload[])
const stamps = () => values().map(({ timestamp }) => timestamp)

describe('profiles are refused', () => {
  const max = { purpose: 'ChargePointMaxProfile', connectorId: 0 }
  const byDefault = { purpose: 'TxDefaultProfile' }
  /** Quirk, form of the profile, status. */
  const cases: [QuirkId, Form, string][] = [
    ['B1', max, 'Rejected'],
    ['B1', {}, 'Accepted'],
    ['B2', { kind: 'Relative' }, 'Rejected'],
    ['B2', { ...byDefault, kind: 'Relative' }, 'Accepted'],
    ['B3', { kind: 'Relative' }, 'Rejected'],
    ['B3', {}, 'Accepted'],
    ['B4', {}, 'Rejected'],
    ['B4', { kind: 'Relative' }, 'Accepted'],
    ['B5', { level: 6 }, 'Rejected'],
    ['B5', { level: 5 }, 'Accepted'],
    ['B6', { level: 1 }, 'Rejected'],
    ['B6', { level: 0 }, 'Accepted'],
    ['B7', {}, 'NotSupported'],
    ['B8', { unit: 'W' }, 'Rejected'],
    ['B8', {}, 'Accepted'],
    ['B9', {}, 'PropertyConstraintViolation'],
    ['refuses', {}, 'Rejected'],
    ['refuses', { ...byDefault, kind: 'Relative', level: 0, unit: 'W' }, 'Rejected'],
  ]
  test.each(cases)('%s %o: %s', async (quirk, form, status) => {
    await connected([quirk])
    const id = await transaction()
    expect(await set(form.purpose === undefined ? id : null, form)).toBe(status)
  })

  test('B2 does not answer an Absolute profile at all, and lives on', async () => {
    await connected(['B2'])
    let answered = false
    void set(await transaction()).then(() => (answered = true))
    await csms.call(REF, 'TriggerMessage', { requestedMessage: 'Heartbeat' })
    await until('a heartbeat', () => csms.of(REF, 'Heartbeat').length === 1)
    expect(answered).toBe(false)
  })

  test('worn: after eight writes nothing is taken any more', async () => {
    const { log } = await connected(['worn'])
    const id = await transaction()
    for (let write = 0; write < 8; write++) {
      expect(await set(null, { purpose: 'TxDefaultProfile', level: 0 })).toBe('Accepted')
    }
    expect(log.filter(({ kind }) => kind === 'flash').at(-1)).toMatchObject({ writes: 8 })
    expect(await set(id)).toBe('Rejected')
  })
})

describe('a station says what is not so', () => {
  test('A5 accepts transaction id 0 and uses nothing of it', async () => {
    const { point } = await connected(['A5'])
    await transaction()
    expect(await set(0)).toBe('Accepted')
    expect(point.limitW).toBe(7360)
  })

  test('A9 tells 1 A for connector 0, and the truth for connector 1', async () => {
    await connected(['A9'])
    await set(await transaction())
    const told = async (connectorId: number) => {
      const asked = { connectorId, duration: 600 }
      const { chargingSchedule } = await csms.call(REF, 'GetCompositeSchedule', asked)
      return (chargingSchedule as { chargingSchedulePeriod: Payload[] }).chargingSchedulePeriod[0]
    }
    expect(await told(0)).toMatchObject({ limit: 1 })
    expect(await told(1)).toMatchObject({ limit: 10 })
  })

  test('B5 and B6 advertise stack levels that they do not take, B8 a unit', async () => {
    await connected(['B5', 'B8'])
    expect(await setting('ChargeProfileMaxStackLevel')).toBe('9')
    expect(await setting('ChargingScheduleAllowedChargingRateUnit')).toBe('Current,Power')
  })

  test('D6 answers a composite schedule without a period', async () => {
    await connected(['D6'])
    const asked = { connectorId: 1, duration: 600 }
    const { chargingSchedule } = await csms.call(REF, 'GetCompositeSchedule', asked)
    expect(chargingSchedule).toMatchObject({ chargingSchedulePeriod: [] })
  })

  test('D11 is Available while it charges', async () => {
    await connected(['D11'])
    await transaction()
    await until('a status', () => csms.of(REF, 'StatusNotification').length >= 2)
    expect(csms.of(REF, 'StatusNotification').map(({ status }) => status)).not.toContain('Charging')
  })

  test('B10 speaks 1.6 on 2.0.1', async () => {
    allowed = /res-cp-01|our own/
    await connected(['B10'], { version: '2.0.1' }).catch(() => undefined)
    expect(csms.of(REF, 'BootNotification')[0]).toHaveProperty('chargePointVendor')
  })
})

describe('messages', () => {
  test('D1 and D5: ids of transactions that nobody gave', async () => {
    for (const [quirk, id] of [['D1', -1] as const, ['D5', -1_840_701] as const]) {
      csms.received.length = 0
      const { advance, station: one } = await connected([quirk])
      await meteredEvery30()
      await transaction()
      advance(30)
      await until('a meter value', () => csms.of(REF, 'MeterValues').length === 1)
      expect(csms.of(REF, 'MeterValues')[0]?.transactionId, quirk).toBe(id)
      one.stop()
    }
  })

  test('sparse: no value on the raster, and none says that it is', async () => {
    const { advance } = await connected(['sparse'])
    await meteredEvery30()
    await transaction()
    advance(30)
    await until('a meter value', () => values().length === 1)
    expect(Date.parse(String(stamps()[0])) % 30_000).toBe(23_000)
    const samples = values()[0]?.sampledValue as Payload[]
    expect(new Set(samples.map(({ context }) => context))).toEqual(new Set(['Sample.Periodic']))
  })

  test('D2 loses the start, D3 sends it twice', async () => {
    const { station: first } = await connected(['D2'])
    await until('a status', () => csms.of(REF, 'StatusNotification').length > 0)
    await csms.call(REF, 'TriggerMessage', { requestedMessage: 'Heartbeat' })
    await until('a heartbeat', () => csms.of(REF, 'Heartbeat').length > 0)
    expect(csms.of(REF, 'StartTransaction')).toHaveLength(0)
    first.stop()
    await connected(['D3'])
    await until('a second start', () => csms.of(REF, 'StartTransaction').length === 2)
  })

  test('D7 garbles id tags, cuts settings short and reads the meter after the end', async () => {
    const { advance } = await connected(['D7'])
    const id = await transaction()
    expect(csms.of(REF, 'StartTransaction')[0]?.idTag).not.toContain('tag')
    expect(await setting('SupportedFeatureProfiles')).toBe('Core,SmartCharging,R')
    advance(1)
    await csms.call(REF, 'RemoteStopTransaction', { transactionId: id })
    await until('a last value', () => csms.of(REF, 'MeterValues').length === 1)
    const actions = csms.received.map(({ action }) => action)
    expect(actions.indexOf('MeterValues')).toBeGreaterThan(actions.indexOf('StopTransaction'))
  })

  test('C3 stays in Finishing after a remote stop; others are ready again', async () => {
    for (const quirks of [['C3'], []] as QuirkId[][]) {
      csms.received.length = 0
      const { station: one } = await connected(quirks)
      await csms.call(REF, 'RemoteStopTransaction', { transactionId: await transaction() })
      const wanted = quirks.length > 0 ? 'Finishing' : 'Preparing'
      await until('the stop', () => csms.of(REF, 'StopTransaction').length === 1)
      await until(wanted, () => csms.of(REF, 'StatusNotification').at(-1)?.status === wanted)
      expect(csms.of(REF, 'StopTransaction')[0]).toMatchObject({ reason: 'Remote' })
      one.stop()
    }
  })

  test('D8 restarts when its measurands are read, and again', async () => {
    const { log } = await connected(['D8'])
    for (const boots of [2, 3]) {
      await expect(csms.call(REF, 'GetConfiguration', { key: [] })).resolves.toBeDefined()
      void csms.call(REF, 'GetConfiguration', {}).catch(() => undefined)
      await until('another boot', () => csms.of(REF, 'BootNotification').length === boots)
      await until('it is back', () => station?.ready === true)
    }
    expect(log.filter(({ kind }) => kind === 'restart')).toHaveLength(2)
  })

  test('D9 meters in kW per phase, D10 the register only', async () => {
    const { advance, station: first } = await connected(['D9'])
    await meteredEvery30()
    advance(30)
    await until('a value', () => values().length === 1)
    const samples = values()[0]?.sampledValue as Payload[]
    expect(samples.slice(0, 3).map(({ phase }) => phase)).toEqual(['L1-N', 'L2-N', 'L3-N'])
    expect(samples[0]).toMatchObject({ value: '2.4533', unit: 'kW' })
    expect(samples[3]).toMatchObject({ value: '1000.0610', unit: 'kWh' })
    first.stop()
    csms.received.length = 0
    const second = await connected(['D10'])
    await meteredEvery30()
    second.advance(30)
    await until('a value', () => values().length === 1)
    const [only, ...more] = (values()[0]?.sampledValue ?? []) as Payload[]
    expect(only?.measurand).toBe('Energy.Active.Import.Register')
    expect(more).toEqual([])
  })

  test('reordered: every second value comes after its successor, and none is lost', async () => {
    const { advance } = await connected(['reordered'])
    await meteredEvery30()
    advance(150)
    await until('five values', () => values().length === 5)
    expect(stamps()).toEqual([iso(30), iso(90), iso(60), iso(150), iso(120)])
  })
})

describe('time', () => {
  const first = async (quirk: QuirkId) => {
    const { advance } = await connected([quirk])
    await meteredEvery30()
    advance(30)
    await until('a value', () => values().length === 1)
    return String(stamps()[0])
  }
  test('E1 is an hour ahead', async () => expect(await first('E1')).toBe(iso(30 + 3600)))
  test('E3 lives in 1970', async () => expect(await first('E3')).toBe('1970-01-01T00:00:30Z'))
  test('E6 says no offset', async () => {
    allowed = /date-time/
    expect(await first('E6')).toBe(iso(30).replace('Z', ''))
  })
  test('skew: 20 minutes behind', async () => expect(await first('skew')).toBe(iso(30 - 1200)))
  test('E2 stamps a status a minute late', async () => {
    await connected(['E2'])
    await until('a status', () => csms.of(REF, 'StatusNotification').length > 0)
    expect(csms.of(REF, 'StatusNotification')[0]?.timestamp).toBe(iso(60))
  })
})

describe('a lost line', () => {
  test('offline: two minutes after a limit, for an hour; the limit holds, the values follow', async () => {
    const { advance, point, station: one } = await connected(['offline'])
    await meteredEvery30()
    await set(await transaction())
    advance(121)
    await until('the line is lost', () => !one.ready)
    advance(1800)
    expect(Math.round(point.powerW)).toBe(2300)
    advance(3721)
    await until('the line is back', () => one.ready)
    await until('all values', () => values().length === 124)
    expect(csms.of(REF, 'BootNotification')).toHaveLength(1)
  })

  test('D12 redials after 6 to 19 minutes', async () => {
    const { advance, log, station: one } = await connected(['D12'])
    await set(await transaction())
    advance(181)
    await until('the line is lost', () => !one.ready)
    const line = log.find(({ kind }) => kind === 'outage')
    const awayMinutes = (Date.parse(String(line?.until)) - at(181)) / 60_000
    expect(awayMinutes).toBeGreaterThanOrEqual(6)
    expect(awayMinutes).toBeLessThanOrEqual(19)
    advance(181 + 19 * 60)
    await until('the line is back', () => one.ready)
  })

  test('D4 says its last words again, backlog two months of them', async () => {
    const { advance, station: one } = await connected(['D4'])
    await meteredEvery30()
    await set(await transaction())
    advance(120)
    await until('four values', () => values().length === 4)
    advance(181)
    await until('nine values', () => values().length === 9)
    const seen = stamps()
    expect(new Set(seen).size).toBe(6)
    one.stop()
    csms.received.length = 0
    const second = await connected(['backlog'])
    await set(await transaction())
    second.advance(181)
    await until('the backlog', () => values().length >= 1440)
    expect(Date.parse(String(stamps()[0]))).toBeLessThan(START - 59 * 86_400_000)
  })
})
