import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { errorCodeOn, parseFrame } from '#adapters/ocpp/frames.ts'
import { join16, meterValue16, plugIn16 } from './station16.ts'
import { ANSWERS_201, BOOT_201, connectStation, type WireStation } from './wire-station.ts'
import { charger, PASSWORD, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

/** Sends text as it is; the frame that comes back. */
async function exchange(station: WireStation, text: string): Promise<unknown> {
  const before = station.frames.length
  station.raw(text)
  await until('an answer', () => station.frames.length > before)
  return JSON.parse(station.frames[before] ?? '')
}

test('malformed messages get an error, with the id where one can be read', async () => {
  const station = await join16(world)
  expect(await exchange(station, 'no JSON')).toEqual([
    4,
    '-1',
    'FormationViolation',
    'the message is not JSON',
    {},
  ])
  const idsOfErrors: unknown[] = []
  for (const text of [
    '{"a":1}',
    '[2,7,"Heartbeat",{}]',
    '[2,"x","Heartbeat",[]]',
    '[2,"y",{},{}]',
    `[2,"${'i'.repeat(200)}","Heartbeat",{}]`,
  ]) {
    const frame = (await exchange(station, text)) as unknown[]
    expect([frame[0], frame[2]]).toEqual([4, 'FormationViolation'])
    idsOfErrors.push(frame[1])
  }
  expect(idsOfErrors).toEqual(['-1', '-1', 'x', 'y', '-1'])
})

test('a station that sends nothing but garbage is cut off', async () => {
  const station = await join16(world)
  for (let i = 0; i < 25; i += 1) station.raw('garbage')
  expect(await station.closed).toContain('1006')
  expect(world.heard.disconnected[0]?.detail).toBe('too many malformed frames')
})

test('deep nesting is no way to stop the service', async () => {
  const station = await join16(world)
  const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`
  station.raw(deep)
  station.raw(`[2,"deep","MeterValues",{"connectorId":1,"meterValue":${deep}}]`)
  expect((await station.call('Heartbeat', {}))[0]).toBe(3)
})

test('a message beyond the size limit closes the connection', async () => {
  const station = await join16(world)
  station.raw(JSON.stringify([2, 'big', 'Heartbeat', { filler: 'x'.repeat(300_000) }]))
  expect(await station.closed).toMatch(/^1009|^1006/)
})

test('unknown actions and missing fields are answered with the errors of the version', async () => {
  const station = await join16(world)
  expect((await station.call('Reboot', {})).slice(2, 4)).toEqual([
    'NotImplemented',
    'Reboot is not served',
  ])
  expect((await station.call('constructor', {}))[2]).toBe('NotImplemented')
  const start = await station.call('StartTransaction', { connectorId: 1, idTag: 'T' })
  expect(start.slice(2, 4)).toEqual(['OccurenceConstraintViolation', 'meterStart is missing'])
  const wrong = await station.call('StatusNotification', {
    connectorId: 'one',
    status: 'Charging',
    errorCode: 'NoError',
  })
  expect(wrong[2]).toBe('TypeConstraintViolation')
})

test('a null payload is an empty one; unknown frames and stray answers are ignored', async () => {
  const station = await join16(world)
  expect(await exchange(station, '[2,"null","Heartbeat",null]')).toMatchObject([3, 'null', {}])
  const before = station.frames.length
  station.raw('[6,"s","NotifyPeriodicEventStream",{}]')
  station.raw('[3,"nobody",{}]')
  station.raw('[4,"nobody","GenericError","",{}]')
  expect((await station.call('Heartbeat', {}))[0]).toBe(3)
  expect(station.frames.length).toBe(before + 1)
})

test('what deviates from the schema is recorded once and used all the same', async () => {
  const station = await join16(world)
  const value = meterValue16(START, '7000', '100')
  const odd = { connectorId: 1, meterValue: [{ ...value, vendorField: 1 }], more: true }
  expect((await station.call('MeterValues', odd))[0]).toBe(3)
  expect((await station.call('MeterValues', odd))[0]).toBe(3)
  expect(world.heard.readings[0]).toMatchObject({ powerW: 7_000, registerWh: 100 })
  const recorded = world.heard.log.filter(({ fields }) => fields['what'] === 'MeterValues')
  expect(recorded.map(({ fields }) => fields['detail'])).toEqual([
    'a property that is not in the standard (/more)',
    'a property that is not in the standard (/meterValue/0/vendorField)',
  ])
})

test('the same message is answered with the same words and counted once', async () => {
  const station = await join16(world)
  const payload = { connectorId: 1, meterValue: [meterValue16(START, '7000', '100')] }
  const first = await station.call('MeterValues', payload, 'same-id')
  const again = await station.call('MeterValues', payload, 'same-id')
  expect(again).toEqual(first)
  expect(world.heard.readings).toHaveLength(1)
})

test('an id that is used again for something else is something else', async () => {
  const station = await join16(world)
  for (const registerWh of ['100', '101']) {
    const meterValue = [meterValue16(START + Number(registerWh), '7000', registerWh)]
    await station.call('MeterValues', { connectorId: 1, meterValue }, '1')
  }
  expect(world.heard.readings.map((one) => one.registerWh)).toEqual([100, 101])
})

test('the answer given before a lost connection is given again after it', async () => {
  const first = await join16(world)
  const start = {
    connectorId: 1,
    idTag: 'T',
    meterStart: 1,
    timestamp: '2026-03-02T16:59:00Z',
  }
  const answer = await first.call('StartTransaction', start, 'kept')
  await first.close()
  await until('the disconnection', () => world.heard.disconnected.length === 1)
  const second = await join16(world)
  expect(await second.call('StartTransaction', start, 'kept')).toEqual(answer)
  expect(world.heard.sessions).toHaveLength(1)
})

test('a CALL of the station is answered while one of ours is outstanding', async () => {
  const station = await join16(world)
  await plugIn16(station)
  station.answer('SetChargingProfile', async () => {
    expect((await station.call('Heartbeat', {}))[0]).toBe(3)
    return { status: 'Accepted' }
  })
  await world.driver.apply(resource.id, setpoint(resource), 1_000)
})

test('a connection that breaks under a call makes the device unreachable at once', async () => {
  const station = await join16(world)
  await plugIn16(station)
  station.answer('SetChargingProfile', () => {
    station.socket.terminate()
    return 'silence'
  })
  const begun = performance.now()
  await expect(world.driver.apply(resource.id, setpoint(resource), 5_000)).rejects.toMatchObject({
    code: 'device-unreachable',
  })
  expect(performance.now() - begun).toBeLessThan(1_000)
})

test('a new password throws out whoever came in with the old one', async () => {
  const station = await join16(world)
  await world.driver.attach(charger({ password: 'c'.repeat(40) }))
  expect(await station.closed).toBe('1008 the credential has changed')
  await expect(join16(world)).rejects.toThrow('401')
})

test('attaching the same resource again changes nothing', async () => {
  const station = await join16(world)
  await world.driver.attach(charger())
  expect((await station.call('Heartbeat', {}))[0]).toBe(3)
})

test('a resource that moves to another station leaves the first one without a door', async () => {
  const station = await join16(world)
  await world.driver.attach({ ...charger({ identity: 'CP-2' }), id: resource.id })
  expect(await station.closed).toBe('1008 the credential has changed')
  await expect(join16(world)).rejects.toThrow('401')
})

test('a second connector that is enrolled later is set up, and the default of the first is not written again', async () => {
  const station = await join16(world)
  const second = charger({ connectorId: 2, password: 'd'.repeat(40) })
  await world.driver.attach(second)
  await until('the second set-up', () => world.heard.connected.some(({ id }) => id === second.id))
  expect(station.callsOf('SetChargingProfile').map((one) => one['connectorId'])).toEqual([1, 2])
  expect(world.heard.disconnected).toEqual([])
})

test('two connectors of one station are two resources, each with its own profiles', async () => {
  await world.stop()
  const left = charger({ connectorId: 1 })
  const right = charger({ connectorId: 2 })
  world = await startWorld({}, [left, right])
  const station = await connectStation(world.driver.url('CP-1'), {
    protocols: ['ocpp2.0.1'],
    password: PASSWORD,
    answers: ANSWERS_201,
  })
  await station.call('BootNotification', BOOT_201)
  await until('the set-up', () => world.heard.connected.length === 2)
  for (const id of [1, 2]) {
    await station.call('TransactionEvent', {
      eventType: 'Started',
      timestamp: '2026-03-02T17:00:00Z',
      triggerReason: 'CablePluggedIn',
      seqNo: 0,
      transactionInfo: { transactionId: `tx-${id}` },
      evse: { id },
    })
  }
  await world.driver.apply(right.id, setpoint(right), 500)
  expect(station.callsOf('SetChargingProfile').map((one) => one['evseId'])).toEqual([1, 2, 2])
  expect(station.callsOf('SetChargingProfile').at(-1)).toMatchObject({
    chargingProfile: { id: 720_002, transactionId: 'tx-2' },
  })
})

test('no text makes the frame reader throw, and what it reads it reads whole', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(['call', 'result', 'error', 'resultError', 'send', 'unknown', 'malformed']).toContain(
        parseFrame(text).kind,
      )
    }),
  )
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 36 }),
      fc.dictionary(fc.string(), fc.json()),
      (id, payload) => {
        const frame = parseFrame(JSON.stringify([2, id, 'Heartbeat', payload]))
        expect(frame).toEqual({
          kind: 'call',
          id,
          action: 'Heartbeat',
          payload: JSON.parse(JSON.stringify(payload)),
        })
      },
    ),
  )
})

test('the two versions spell their errors differently', () => {
  expect(errorCodeOn('ocpp1.6', 'FormatViolation')).toBe('FormationViolation')
  expect(errorCodeOn('ocpp1.6', 'OccurrenceConstraintViolation')).toBe(
    'OccurenceConstraintViolation',
  )
  expect(errorCodeOn('ocpp2.0.1', 'FormatViolation')).toBe('FormatViolation')
})
