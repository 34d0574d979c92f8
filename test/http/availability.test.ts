import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SIMULATED_PARTIES, simulatedSignature } from '#adapters/simulated/rail.ts'
import { organisationId, siteId } from '#domain/ids.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { aResource, WINDOW_START } from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'
import { STAND_BY } from '../support/standby-body.ts'
import { undocumented } from './documented.ts'
import {
  aTown,
  callBody,
  idempotent,
  programBody,
  type Service,
  startService,
  type Town,
} from './service.ts'

const at = (seconds: number) => formatInstant(addSeconds(WINDOW_START, seconds))
describe('availability over HTTP', () => {
  let service: Service
  let town: Town
  let path: string
  const passTo = (seconds: number) => service.world.passTo(addSeconds(WINDOW_START, seconds))
  const asDso = (method: string, to: string, body?: unknown) =>
    service.send(method, to, { key: town.keys.dso, body, headers: idempotent() })
  const activate = (from: number, until: number, powerW?: number) =>
    asDso('POST', `${path}/activations`, { start: at(from), end: at(until), powerW })

  beforeAll(async () => {
    service = await startService()
    town = await aTown(service)
    const battery = aResource('battery', 'battery', 200_000n)
    plugBattery(service.world, battery)
    await enrolResource(service.ports, organisationId('agg-2'), {
      id: battery.id,
      kind: 'battery',
      siteId: siteId('site-bert'),
      rating: battery.rating,
      offer: battery.offer,
      connection: { protocol: 'simulated', address: 'battery' },
    })
    await passTo(-600)
  }, 60_000)
  afterAll(() => service.stop())

  test('a program that pays nothing for it is refused, and so is a product nobody knows', async () => {
    const unpaid = await asDso(
      'PUT',
      '/v1/programs',
      programBody({ version: 2, product: 'availability' }),
    )
    expect(unpaid).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'paymentPolicy.availability' }] },
    })
    const unknown = programBody({ version: 2, product: 'inertia' })
    expect((await asDso('PUT', '/v1/programs', unknown)).status).toBe(400)
  })

  test('a call of such a program stands by, and its DSO activates it within the rules', async () => {
    const { paymentPolicy: _other, ...program } = programBody({
      version: 2,
      product: 'availability',
      activationNoticeSeconds: 120,
    })
    const put = await asDso('PUT', '/v1/programs', { ...program, paymentPolicy: STAND_BY })
    expect(put.body).toMatchObject({ product: 'availability', activationNoticeSeconds: 120 })
    const { body: call } = await asDso('POST', '/v1/flexibility-calls', callBody([3000, 3000]))
    expect(call).toMatchObject({ product: 'availability', activations: [] })
    path = `/v1/flexibility-calls/${call.id}`
    await passTo(-240)
    const early = await activate(600, 1200)
    expect(early).toMatchObject({ status: 409, body: { code: 'wrong-state' } })
    const { body: typedData } = await asDso('GET', `${path}/authorisation`)
    const signature = simulatedSignature(SIMULATED_PARTIES.payer, typedData.authorise)
    await asDso('POST', `${path}/acceptance`, { signature })
    await passTo(300)
    const late = await activate(390, 600)
    expect(late).toMatchObject({ body: { code: 'notice-too-short', errors: [{ field: 'start' }] } })
    const done = await activate(600, 1200)
    expect(done).toMatchObject({
      status: 200,
      body: { activations: [{ start: at(600), end: at(1200), orderedAt: at(300) }] },
    })
    expect((await activate(600, 1200)).body.activations).toHaveLength(1)
    await passTo(1230)
    const { body } = await asDso('GET', path)
    expect(body.deliveredWh).toBeNull()
    expect(body.periods[0]).toMatchObject({ orderedW: 3000 })
  })

  test('a part of it is activated in whole steps, and what it delivered is told', async () => {
    const refused = async (powerW: number) => {
      const { status, body } = await activate(1500, 1800, powerW)
      return [status, body.errors?.[0]?.field]
    }
    expect(await refused(3100)).toEqual([400, 'powerW'])
    expect(await refused(0.5)).toEqual([400, 'powerW'])
    const { body: part } = await activate(1500, 1800, 1200)
    expect(part.reserve).toEqual({
      heldW: 3000,
      usableFrom: at(1350),
      usableUntil: at(1800),
      standbyMinorPerKwh: '20000',
      leastMinorPerKwh: '200000',
      mostMinorPerKwh: '200000',
    })
    expect(part.activations).toMatchObject([
      { powerW: null, orderedWh: 500, deliveredWh: 500 },
      { powerW: 1200, orderedWh: 100, deliveredWh: null },
    ])
    await passTo(1680)
    const { body } = await asDso('GET', path)
    expect(body.reserve.usableFrom).toBeNull()
    expect(body.activations[1].deliveredWh).toBe(50)
    const view = (key: string) => service.send('GET', path, { key })
    const { body: operator } = await view(town.keys.operator)
    expect(operator.activations).toHaveLength(2)
    const { body: other } = await view(town.keys.otherAgg)
    expect(other).not.toHaveProperty('reserve')
    expect(other).not.toHaveProperty('activations')
  })

  test('a program of voltage support tells its curves, and refuses one that pushes the wrong way', async () => {
    const { paymentPolicy: _other, ...program } = programBody({
      version: 3,
      product: 'voltage-support',
    })
    const points = [9_200, 9_800, 10_200, 10_800].map((voltageBp, i) => {
      return { voltageBp, outputBp: [4_400, 0, 0, -4_400][i] }
    })
    const put = (corners: unknown) => {
      const curves = [{ kind: 'volt-var', points: corners }]
      const rest = { responseMs: 5_000, toleranceBp: 500, longestGapMs: 5_000, spreadBp: 300 }
      const body = { ...program, paymentPolicy: STAND_BY, voltage: { curves, ...rest } }
      return asDso('PUT', '/v1/programs', body)
    }
    expect(await put(points.toReversed())).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'voltage.curves[0].points[1].voltageBp' }] },
    })
    const curves = [{ kind: 'volt-var', points }]
    expect((await put(points)).body).toMatchObject({ voltage: { curves, spreadBp: 300 } })
  })

  test('its lines say what was activated and what was held', async () => {
    await passTo(1950)
    const { body } = await service.send('GET', path, { key: town.keys.operator })
    expect(body.lines).toMatchObject([{ orderedWh: 600, reservedWh: 1500, deliveredWh: 600 }])
    const { text } = await asDso('GET', '/v1/dso/invoice?month=2026-01&format=csv')
    const [head = '', row = ''] = text
      .split(/\r?\n/)
      .filter((line) => /reserved_wh|call-/.test(line))
    const column = head.split(',').indexOf('reserved_wh')
    expect(row.split(',')[column]).toBe('1500')
  })

  test('what was sent and answered is as the document says', async () => {
    const document = (await service.send('GET', '/openapi.json')).body
    // What is asked for as CSV has no schema of JSON.
    const exchanges = service.exchanges.filter(({ path: one }) => {
      return one.startsWith('/v1/') && !one.includes('format=csv')
    })
    expect(undocumented(document.paths, exchanges)).toEqual([])
  })
})
