import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatInstant, instant } from '#domain/time.ts'
import { ANSWERS_201, BOOT_201, connectStation, type WireStation } from './wire-station.ts'
import { charger, PASSWORD, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
let station: WireStation
const resource = charger()

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

async function join(protocols: readonly string[] = ['ocpp2.1', 'ocpp2.0.1']): Promise<void> {
  station = await connectStation(world.driver.url('CP-1'), {
    protocols,
    password: PASSWORD,
    answers: ANSWERS_201,
  })
  await station.call('BootNotification', BOOT_201)
  await until('the station to be set up', () => world.heard.connected.length > 0)
}

async function event(eventType: 'Started' | 'Ended', at: number = START): Promise<void> {
  await station.call('TransactionEvent', {
    eventType,
    timestamp: formatInstant(instant(at)),
    triggerReason: 'Authorized',
    seqNo: 0,
    transactionInfo: { transactionId: 'tx-1' },
    evse: { id: 1, connectorId: 1 },
  })
}

function schedule(unit: 'A' | 'W', ...periods: Record<string, unknown>[]) {
  const chargingSchedulePeriod = periods
  return {
    id: 1,
    startSchedule: formatInstant(START),
    chargingRateUnit: unit,
    chargingSchedulePeriod,
  }
}

test('a SEND on an earlier version is ignored like any unknown type', async () => {
  await join(['ocpp2.0.1'])
  const before = station.frames.length
  station.raw('[6,"s1","NotifyPeriodicEventStream",{}]')
  expect((await station.call('Heartbeat', {}))[0]).toBe(3)
  expect(station.frames.length).toBe(before + 1)
})

test('a SEND is never answered, whatever is wrong with it', async () => {
  await join()
  const before = station.frames.length
  station.raw('[6,"s1","NotifyPeriodicEventStream",{"id":7}]')
  station.raw('[6,"s2","Heartbeat",{}]')
  station.raw('[6,"s3",{},{}]')
  station.raw('[6,7,"Heartbeat",[]]')
  expect((await station.call('Heartbeat', {}))[0]).toBe(3)
  expect(station.frames.length).toBe(before + 1)
  const recorded = world.heard.log.map(({ fields }) => fields['detail'])
  expect(recorded).toContain('Heartbeat is no SEND')
})

test('an answer that is no object gets a CALLRESULTERROR, and the order fails at once', async () => {
  await join()
  await event('Started')
  station.answer('SetChargingProfile', () => {
    const id = station.calls.at(-1)?.id
    station.raw(JSON.stringify([3, id, ['Accepted']]))
    return 'silence'
  })
  await expect(world.driver.apply(resource.id, setpoint(resource), 5_000)).rejects.toMatchObject({
    code: 'device-refused',
  })
  const id = station.calls.at(-1)?.id
  await until('the error', () => station.frames.at(-1)?.startsWith('[5,') === true)
  expect(JSON.parse(station.frames.at(-1) ?? '')).toEqual([
    5,
    id,
    'FormatViolation',
    'the payload is not an object',
    {},
  ])
})

test('a CALLRESULTERROR of the station is recorded and not answered', async () => {
  await join()
  const before = station.frames.length
  station.raw('[5,"x","TypeConstraintViolation","currentTime",{}]')
  expect((await station.call('Heartbeat', {}))[0]).toBe(3)
  expect(station.frames.length).toBe(before + 1)
  expect(world.heard.log.map(({ fields }) => fields['detail'])).toContain(
    'TypeConstraintViolation currentTime',
  )
})

test('limits, sessions and setpoints work on 2.1 as on 2.0.1', async () => {
  await join()
  expect(world.heard.connected[0]?.detail).toContain('OCPP 2.1')
  await event('Started')
  await world.driver.apply(resource.id, setpoint(resource), 500)
  expect(station.callsOf('SetChargingProfile').at(-1)).toMatchObject({
    evseId: 1,
    chargingProfile: { transactionId: 'tx-1' },
  })
  expect(world.heard.sessions).toHaveLength(1)
})

test('priority charging is the driver’s opt-out and ends with the transaction', async () => {
  await join()
  await event('Started')
  const activated = { transactionId: 'tx-1', activated: true }
  expect((await station.call('NotifyPriorityCharging', activated))[2]).toEqual({})
  await station.call('NotifyPriorityCharging', { transactionId: 'of another', activated: true })
  await event('Ended', START + 60_000)
  expect(world.heard.overrides).toEqual([
    { id: resource.id, isOn: true },
    { id: resource.id, isOn: false },
  ])
})

test('a limit set by others is told in watts: the lowest of those that are still to come', async () => {
  await join(['ocpp2.0.1'])
  const limit = { chargingLimit: { chargingLimitSource: 'EMS' }, evseId: 1 }
  await station.call('NotifyChargingLimit', {
    ...limit,
    chargingSchedule: [
      schedule('A', { startPeriod: 0, limit: 16 }, { startPeriod: 60, limit: 10 }),
    ],
  })
  expect(world.heard.limits).toEqual([{ id: resource.id, limitW: 6_900, source: 'EMS' }])
  await station.call('NotifyChargingLimit', {
    chargingLimit: { chargingLimitSource: 'SO' },
    chargingSchedule: [schedule('W', { startPeriod: 0, limit: 4_200 })],
  })
  expect(world.heard.limits.at(-1)).toEqual({ id: resource.id, limitW: 4_200, source: 'SO' })
  await station.call('ClearedChargingLimit', { chargingLimitSource: 'SO' })
  expect(world.heard.limits.at(-1)).toEqual({ id: resource.id, limitW: 6_900, source: 'EMS' })
  await station.call('ClearedChargingLimit', { chargingLimitSource: 'EMS', evseId: 1 })
  expect(world.heard.limits.at(-1)).toEqual({ id: resource.id, limitW: null, source: 'EMS' })
})

test('a limit that comes without its height is read from what is in force', async () => {
  await join()
  station.answer('GetCompositeSchedule', {
    status: 'Accepted',
    schedule: {
      evseId: 1,
      duration: 60,
      scheduleStart: formatInstant(START),
      chargingRateUnit: 'W',
      chargingSchedulePeriod: [{ startPeriod: 0, limit: 5_000 }],
    },
  })
  await station.call('NotifyChargingLimit', { chargingLimit: { chargingLimitSource: 'EMS' } })
  await until('the limit', () => world.heard.limits.length === 1)
  expect(world.heard.limits[0]).toMatchObject({ limitW: 5_000, source: 'EMS' })
})

test('a security event is handed on by its type only', async () => {
  await join()
  await station.call('SecurityEventNotification', {
    type: 'TamperDetectionActivated',
    timestamp: formatInstant(START),
    techInfo: 'opened by somebody',
  })
  expect(world.heard.security).toEqual([
    { resourceId: resource.id, kind: 'reported', detail: 'TamperDetectionActivated' },
  ])
})

test('a station that pulls its dynamic limit gets the order that stands, or is refused', async () => {
  await join()
  const ask = async (chargingProfileId: number) =>
    (await station.call('PullDynamicScheduleUpdate', { chargingProfileId }))[2]
  expect(await ask(1)).toMatchObject({ status: 'Rejected' })
  await event('Started')
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 6_900 }), 500)
  const profile = station.callsOf('SetChargingProfile').at(-1)?.['chargingProfile']
  const { id } = profile as { id: number }
  expect(await ask(id)).toEqual({ status: 'Accepted', scheduleUpdate: { limit: 10 } })
  world.clock.set(START + 1_800_000)
  expect(await ask(id)).toMatchObject({ status: 'Rejected' })
})

test('what a 2.1 station tells about payments, certificates and grid functions is answered', async () => {
  await join()
  const hash = {
    hashAlgorithm: 'SHA256',
    issuerNameHash: 'a',
    issuerKeyHash: 'b',
    serialNumber: '1',
  }
  const answers: [string, Record<string, unknown>, Record<string, unknown>][] = [
    [
      'NotifySettlement',
      {
        pspRef: 'p',
        status: 'Settled',
        settlementAmount: 1,
        settlementTime: formatInstant(START),
      },
      {},
    ],
    ['VatNumberValidation', { vatNumber: 'X1' }, { vatNumber: 'X1', status: 'Rejected' }],
    ['SignCertificate', { csr: 'c' }, { status: 'Rejected' }],
    [
      'GetCertificateChainStatus',
      { certificateStatusRequests: [{ source: 'OCSP', urls: ['u'], certificateHashData: hash }] },
      {
        certificateStatus: [
          {
            certificateHashData: hash,
            source: 'OCSP',
            status: 'Failed',
            nextUpdate: formatInstant(START),
          },
        ],
      },
    ],
  ]
  for (const [action, payload, expected] of answers) {
    expect((await station.call(action, payload)).slice(2)).toEqual([expected])
  }
})

test('a signed message is what it is without its signature', async () => {
  await join()
  const jws = (inner: unknown) => ({
    payload: Buffer.from(JSON.stringify(inner)).toString('base64url'),
    protected: 'e30',
    signature: 'AA',
  })
  const signed = await station.call('Heartbeat-Signed', jws({}))
  expect(signed[2]).toHaveProperty('currentTime')
  const missing = await station.call('NotifyPriorityCharging-Signed', jws({ activated: true }))
  expect(missing.slice(2, 4)).toEqual(['OccurrenceConstraintViolation', 'transactionId is missing'])
  expect((await station.call('Heartbeat-Signed', jws([])))[2]).toBe('FormatViolation')
  expect((await station.call('Heartbeat-Signed', { payload: '%' }))[2]).toBe('FormatViolation')
})

test('event streams are opened, taken and closed', async () => {
  await join()
  const stream = { id: 3, variableMonitoringId: 9, params: { interval: 60, values: 60 } }
  const open = await station.call('OpenPeriodicEventStream', { constantStreamData: stream })
  expect(open[2]).toEqual({ status: 'Accepted' })
  const payload = {
    id: 3,
    pending: 0,
    basetime: formatInstant(START),
    data: [
      { t: 0, v: '7000' },
      { t: 1.5, v: '7010' },
    ],
  }
  station.raw(JSON.stringify([6, 's', 'NotifyPeriodicEventStream', payload]))
  await station.call('ClosePeriodicEventStream', { id: 3 })
  expect(world.heard.log.map(({ fields }) => fields)).toContainEqual({
    identity: 'CP-1',
    id: 3,
    count: 2,
  })
})

test('a stream of the fiscal register gives readings on the raster, in the unit that was told', async () => {
  await join()
  station.answer('GetMonitoringReport', { status: 'Accepted' })
  station.answer('GetReport', { status: 'Accepted' })
  const open = async (id: number) =>
    await station.call('OpenPeriodicEventStream', {
      constantStreamData: { id, variableMonitoringId: id, params: { interval: 60 } },
    })
  const send = (id: number, ...data: { t: number; v: string }[]) => {
    const payload = { id, pending: 0, basetime: formatInstant(START), data }
    station.raw(JSON.stringify([6, 's', 'NotifyPeriodicEventStream', payload]))
  }
  await open(1)
  await open(2)
  await until('the questions', () => station.callsOf('GetReport').length === 1)
  send(1, { t: 0, v: '12.5' })
  await station.call('Heartbeat', {})
  expect(world.heard.readings).toEqual([])
  const watch = (id: number, component: string, variable: string) => ({
    component: { name: component, evse: { id: 1 } },
    variable: { name: variable },
    variableMonitoring: [
      {
        id,
        transaction: false,
        value: 1,
        type: 'Periodic',
        severity: 9,
        eventNotificationType: 'CustomMonitor',
      },
    ],
  })
  const unit = (component: string, variable: string, of: string) => ({
    component: { name: component, evse: { id: 1 } },
    variable: { name: variable },
    variableAttribute: [{ value: '1' }],
    variableCharacteristics: { dataType: 'decimal', supportsMonitoring: true, unit: of },
  })
  const report = { requestId: 1, seqNo: 0, generatedAt: formatInstant(START) }
  await station.call('NotifyMonitoringReport', {
    ...report,
    monitor: [watch(1, 'FiscalMetering', 'EnergyImportRegister'), watch(2, 'EVSE', 'Power')],
  })
  await station.call('NotifyReport', {
    ...report,
    reportData: [unit('FiscalMetering', 'EnergyImportRegister', 'kWh'), unit('EVSE', 'Power', 'W')],
  })
  send(2, { t: 0, v: '6900' }, { t: 1, v: '6910' })
  send(1, { t: 0, v: '12.5' }, { t: 1, v: '12.502' }, { t: 30, v: '12.56' }, { t: 60, v: 'none' })
  await station.call('Heartbeat', {})
  expect(world.heard.readings).toEqual([
    { resourceId: resource.id, at: START, powerW: 6_900, registerWh: 12_500, socBp: null },
    { resourceId: resource.id, at: START + 30_000, powerW: 7_200, registerWh: 12_560, socBp: null },
  ])
})
