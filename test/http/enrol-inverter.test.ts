import { afterAll, beforeAll, expect, test } from 'vitest'
import { aTown, batteryBody, idempotent, type Service, startService, type Town } from './service.ts'

let service: Service
let town: Town
beforeAll(async () => {
  service = await startService()
  town = await aTown(service)
})
afterAll(() => service.stop())

async function enrol(id: string, connection: object) {
  const body = batteryBody(id, 'anna', { connection })
  return service.send('POST', '/v1/resources', { key: town.keys.agg, body, headers: idempotent() })
}

test('the same inverter is enrolled once, another unit behind the same gateway too', async () => {
  const address = { protocol: 'modbus', host: 'Gateway.local', port: 1502 }
  const first = await enrol('inverter-1', address)
  expect(first.status).toBe(201)
  expect(first.body).toMatchObject({
    resource: { connection: { ...address, host: 'gateway.local', unitId: 1 } },
    password: null,
  })
  const again = await enrol('inverter-2', { ...address, unitId: 1 })
  expect(again.status).toBe(409)
  expect(again.body.errors).toMatchObject([{ field: 'connection.host' }])
  const other = await enrol('inverter-2', { ...address, unitId: 2 })
  expect(other.status).toBe(201)
  const { body } = await service.send('GET', '/v1/resources/inverter-2', { key: town.keys.agg })
  expect(body.connection).toEqual({ ...address, host: 'gateway.local', unitId: 2 })
})
