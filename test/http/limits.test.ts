import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { undocumented } from './documented.ts'
import { aTown, type Service, startService, type Town } from './service.ts'

let service: Service
let town: Town
beforeAll(async () => {
  service = await startService()
  town = await aTown(service)
})
afterAll(() => service.stop())

const path = (rest: string) => `/v1/resources/charger-anna/${rest}`

describe('what an owner allows, over HTTP', () => {
  test('refuses limits that cannot be, by field', async () => {
    const key = town.keys.anna
    const body = { leastSocBp: 20_000, readyBy: null }
    const answer = await service.send('PUT', path('limits'), { key, body })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'leastSocBp' }] } })
    const cost = { minutes: 10, costMinor: '-1' }
    expect((await service.send('POST', path('charge-now'), { key, body: cost })).status).toBe(400)
  })

  test('is said and read back by the owner, and led by nobody', async () => {
    const key = town.keys.anna
    const body = { leastSocBp: 3000, readyBy: { minuteOfDay: 390, energyWh: 12_000 } }
    const said = await service.send('PUT', path('limits'), { key, body })
    expect(said).toMatchObject({ status: 200, body: { ...body, lease: { holder: 'nobody' } } })
    const read = await service.send('GET', path('limits'), { key: town.keys.agg })
    expect(read.body).toEqual(said.body)
    const cost = await service.send('GET', path('charge-now'), { key })
    expect(cost.body).toEqual({ costMinor: '0', lostWh: 0, sentence: 'It costs nothing.' })
    const full = { minutes: 30, costMinor: '0' }
    const wished = await service.send('POST', path('charge-now'), { key, body: full })
    expect(wished.body.lease).toMatchObject({ holder: 'owner', priority: 2 })
  })

  test('gives a withdrawn consent again to nobody but the owner', async () => {
    const put = (key: string, given: boolean) =>
      service.send('PUT', path('consent'), { key, body: { given } })
    const withdrawn = await put(town.keys.agg, false)
    expect(withdrawn.body.consent.withdrawnAt).toMatch(/^20/)
    expect(withdrawn.body.consent.withdrawnBy).toBe('aggregator')
    expect((await put(town.keys.agg, true)).status).toBe(403)
    expect((await put(town.keys.anna, true)).body.consent.withdrawnAt).toBeNull()
  })

  test('answers as the document says', async () => {
    const { body } = await service.send('GET', '/openapi.json')
    const exchanges = service.exchanges.filter((one) => one.path.startsWith('/v1/'))
    expect(undocumented(body.paths, exchanges)).toEqual([])
  })
})
