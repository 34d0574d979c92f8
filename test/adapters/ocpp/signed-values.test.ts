import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatInstant } from '#domain/time.ts'
import { recordFields, signingMeter } from '../../support/signed-records.ts'
import { join16 } from './station16.ts'
import { event2x, join2x } from './station2x.ts'
import { charger, START, startWorld, type World } from './world.ts'

const resource = charger()
const text = signingMeter().record(recordFields())
const base64 = Buffer.from(text, 'utf8').toString('base64')
let world: World

beforeEach(async () => {
  world = await startWorld({ setUpDeadlineMs: 500 })
})

afterEach(async () => {
  await world.stop()
})

function value16(...sampledValue: readonly object[]) {
  return { connectorId: 1, meterValue: [{ timestamp: formatInstant(START), sampledValue }] }
}

describe('what a meter signs reaches the gateway to the byte', () => {
  test.each([
    ['as text', text],
    ['as hex of the text', Buffer.from(text, 'utf8').toString('hex')],
  ])('in 1.6 %s', async (_how, value) => {
    const station = await join16(world)
    const signed = { format: 'SignedData', context: 'Sample.Clock', value }
    await station.call('MeterValues', value16(signed, { value: '1234', context: 'Sample.Clock' }))
    expect(world.heard.signed).toEqual([{ id: resource.id, text }])
    expect(world.heard.readings).toMatchObject([{ registerWh: 1234 }])
  })

  test('in 2.0.1 beside the value that it vouches for', async () => {
    const station = await join2x(world, 'ocpp2.0.1')
    const signedMeterValue = {
      signedMeterData: base64,
      signingMethod: 'ECDSA-secp256r1-SHA256',
      encodingMethod: 'OCMF',
      publicKey: '',
    }
    const sampledValue = [{ value: 1234, context: 'Sample.Clock', signedMeterValue }]
    await event2x(station, 'Updated', START, {
      triggerReason: 'MeterValueClock',
      meterValue: [{ timestamp: formatInstant(START), sampledValue }],
    })
    expect(world.heard.signed).toEqual([{ id: resource.id, text }])
    expect(world.heard.readings).toMatchObject([{ registerWh: 1234 }])
  })

  test('in 2.1, where a record needs no key and no method', async () => {
    const station = await join2x(world, 'ocpp2.1')
    const signedMeterValue = { signedMeterData: base64, encodingMethod: 'OCMF' }
    const sampledValue = [{ value: 1234, context: 'Sample.Clock', signedMeterValue }]
    await event2x(station, 'Updated', START, {
      triggerReason: 'MeterValueClock',
      meterValue: [{ timestamp: formatInstant(START), sampledValue }],
    })
    expect(world.heard.signed).toEqual([{ id: resource.id, text }])
  })
})

test('what is signed in another format is left out, the number beside it is not', async () => {
  const station = await join16(world)
  const signed = { format: 'SignedData', context: 'Sample.Clock', value: 'AP;0;3;AHCAMTO…' }
  await station.call('MeterValues', value16(signed, { value: '1234', context: 'Sample.Clock' }))
  expect(world.heard.signed).toEqual([])
  expect(world.heard.readings).toMatchObject([{ registerWh: 1234 }])
})
