import { afterAll, beforeAll, expect, test } from 'vitest'
import { signingMeter } from '../support/signed-records.ts'
import { aTown, chargerBody, idempotent, type Service, startService, type Town } from './service.ts'

let service: Service
let town: Town
const { publicKey } = signingMeter()

beforeAll(async () => {
  service = await startService()
  town = await aTown(service)
})
afterAll(() => service.stop())

async function enrol(id: string, meter: object | null) {
  const body = chargerBody(id, 'anna', { meter })
  return service.send('POST', '/v1/resources', { key: town.keys.agg, body, headers: idempotent() })
}

test('a meter that signs is enrolled with its key, and measures one device only', async () => {
  const spaced = publicKey.replaceAll(/(.{4})/g, '$1 ').trim()
  const first = await enrol('charger-signed', { serial: 'M-1', publicKey: spaced })
  expect(first.status).toBe(201)
  expect(first.body.resource).toMatchObject({ meter: { serial: 'M-1', publicKey } })
  const second = await enrol('charger-same-meter', { serial: 'M-1', publicKey })
  expect(second.status).toBe(409)
  expect(second.body.errors).toMatchObject([{ field: 'meter.publicKey' }])
  const without = await enrol('charger-unsigned', null)
  expect(without.body.resource).toMatchObject({ meter: null })
})
