import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPostgresStore } from '#db/store.ts'
import { resourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import type { Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { createMigratedDatabase } from '../postgres/migrated-database.ts'
import { WINDOW_START } from '../support/builders.ts'
import { recordingLog } from '../support/recording-log.ts'
import { undocumented } from './documented.ts'
import { aTown, chargerBody, idempotent, type Service, startService, type Town } from './service.ts'

const charger = resourceId('charger-anna')
const chargers = [charger, ...[2, 3, 4, 5].map((i) => resourceId(`charger-anna-${i}`))]
const battery = resourceId('battery-bert')
/** Nine working days before a Wednesday. */
const LIKE_DAYS = [1, 2, 5, 6, 7, 8, 9, 12, 13]
const at = (seconds: number, daysBefore = 0) =>
  addSeconds(WINDOW_START, seconds - daysBefore * 86_400)

/** Registers at both ends of two periods of a day, and what the device drew between, W. */
function drew(id: typeof charger, daysBefore: number, powerW: number, socBp: number | null) {
  return [0, 900, 1800].map((seconds, i): DeviceReading => {
    const registerWh = 1_000_000 - daysBefore * 10_000 + (i * powerW) / 4
    return { resourceId: id, at: at(seconds, daysBefore), powerW, registerWh, socBp }
  })
}

/** Wednesday, 17:00 to 17:30 in Amsterdam, asked for twenty minutes before. */
describe('the forecast of what can be held', () => {
  let service: Service
  let town: Town
  let drop: () => Promise<void>
  const ask = (key: string, from = 0, until = 1800, more = '') => {
    const query = `congestionPointId=cp-north&start=${formatInstant(at(from))}&end=${formatInstant(at(until))}${more}`
    return service.send('GET', `/v1/availability-forecast?${query}`, { key })
  }
  const told = async (key: string, more = '') => byKind((await ask(key, 0, 1800, more)).body)
  const record = (readings: readonly DeviceReading[]) => recordTelemetry(service.ports, readings)
  const put = async (path: string, key: string, body: object) => {
    const answer = await service.send('PUT', `/v1/resources/${path}`, { key, body })
    if (answer.status !== 200) throw new Error(answer.text)
  }
  /** So many times 400 W as a working day lies days before; a weekend's days lie in between. */
  const enrol = async (id: typeof charger) => {
    const body = chargerBody(id, 'anna')
    const sent = { key: town.keys.agg, body, headers: idempotent() }
    const answer = await service.send('POST', '/v1/resources', sent)
    if (answer.status !== 201) throw new Error(answer.text)
    await charge(id)
  }
  const charge = (id: typeof charger) =>
    record(
      Array.from({ length: 13 }, (_, i) => 13 - i).flatMap((back) =>
        drew(id, back, LIKE_DAYS.includes(back) ? back * 400 : 7000, null),
      ),
    )
  /** What is told while a device is another. */
  const whileIt = async (id: typeof charger, change: (one: Resource) => Resource, key: string) => {
    const { store } = service.ports
    const one = await store.transaction((tx) => tx.resources.find(id))
    if (one === null) throw new Error(`there is no ${id}`)
    await store.transaction((tx) => tx.resources.save(change(one)))
    const found = await told(key)
    await store.transaction((tx) => tx.resources.save(one))
    return found
  }

  beforeAll(async () => {
    const database = await createMigratedDatabase()
    const store = createPostgresStore({ url: database.url, log: recordingLog() })
    drop = () => store.close().then(() => database.drop())
    service = await startService({}, store)
    town = await aTown(service)
    await charge(charger)
    for (const id of chargers.slice(1, 4)) await enrol(id)
    // The only battery was silent on one of the days.
    const told = LIKE_DAYS.filter((back) => back !== 6)
    await record(told.flatMap((back) => drew(battery, back, 0, 5000)))
  }, 120_000)
  afterAll(async () => {
    await service?.stop()
    await drop?.()
  })

  test('is refused for what is no window ahead, and for a foreign or unknown point', async () => {
    const field = async (from: number, until: number) =>
      (await ask(town.keys.dso, from, until)).body.errors?.[0]?.field
    expect(await field(0, 0)).toBe('query.end')
    expect(await field(0, 1000)).toBe('query.end')
    expect(await field(60, 960)).toBe('query.end')
    expect(await field(0, 6 * 3600 + 900)).toBe('query.end')
    expect((await ask(town.keys.dso, 0, 6 * 3600)).status).toBe(200)
    expect(await field(-1800, 0)).toBe('query.start')
    expect(await field(15 * 86_400, 15 * 86_400 + 900)).toBe('query.start')
    expect((await ask(town.keys.otherDso)).status).toBe(404)
    expect((await ask(town.keys.anna)).status).toBe(404)
  })

  test('does not tell a DSO of a class of fewer than five devices', async () => {
    expect(await told(town.keys.dso)).toEqual({})
    expect(Object.keys(await told(town.keys.operator)).toSorted()).toEqual(['battery', 'charger'])
    expect(await told(town.keys.agg)).toMatchObject({ charger: { p90W: 4 * 5200 } })
    const fifth = chargers[4] as typeof charger
    await enrol(fifth)
    expect(Object.keys(await told(town.keys.dso))).toEqual(['charger'])
    await put(`${fifth}/consent`, town.keys.anna, { given: false })
    expect(await told(town.keys.dso)).toEqual({})
    expect(await told(town.keys.agg)).toMatchObject({ charger: { p90W: 4 * 5200 } })
    await put(`${fifth}/consent`, town.keys.anna, { given: true })
  })

  test('is told to the DSO and the operator per class, out of like days that are stored', async () => {
    const { status, body } = await ask(town.keys.dso)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      congestionPointId: 'cp-north',
      direction: 'reduce-import',
      start: formatInstant(at(0)),
      decidedAt: formatInstant(at(-1200)),
    })
    // Of five, on nine working days: 400, 800, 2000, 2400, 2800, 3200, 3600, 4800 and 5200 W each.
    const ofFive = { p10W: 2000, p50W: 14_000, p90W: 26_000, days: 9 }
    expect(byKind(body)).toEqual({ charger: ofFive })
    expect(await told(town.keys.operator)).toEqual({
      charger: ofFive,
      battery: { p10W: 0, p50W: 5000, p90W: 5000, days: 9 },
    })
    const other = await told(town.keys.dso, '&direction=increase-import')
    expect(other['charger']).toMatchObject({ p90W: 0 })
  })

  test('is told to an aggregator of its own devices alone', async () => {
    expect(Object.keys(await told(town.keys.agg))).toEqual(['charger'])
    expect(Object.keys(await told(town.keys.otherAgg))).toEqual(['battery'])
  })

  test('counts no device whose standing offer does not hold there, and none above the cap', async () => {
    const offering = (changes: Partial<Resource['offer']>) =>
      whileIt(
        charger,
        (one) => ({ ...one, offer: { ...one.offer, ...changes } }),
        town.keys.operator,
      )
    const ofFour = { charger: { p90W: 4 * 5200 } }
    expect(await offering({ directions: ['increase-import'] })).toMatchObject(ofFour)
    expect(await offering({ fromMinute: 0, untilMinute: 17 * 60 + 15 })).toMatchObject(ofFour)
    expect(await offering({ price: microEurPerKwh(450_001n) })).toMatchObject(ofFour)
    const whole = { fromMinute: 17 * 60, untilMinute: 17 * 60 + 30 }
    expect(await offering(whole)).toMatchObject({ charger: { p90W: 5 * 5200 } })
  })

  test('promises no more of a device than law, capability and owner let an offer promise', async () => {
    const { operator, bert, otherAgg } = town.keys
    const underLaw = (one: Resource): Resource => ({
      ...one,
      rating: { ...one.rating, legalClass: 'de-14a' },
    })
    // 5200 W, of which 4200 W must be left to it.
    expect(await whileIt(charger, underLaw, operator)).toMatchObject({
      charger: { p90W: 4 * 5200 + 1000 },
    })
    await put(`${battery}/limits`, bert, { leastSocBp: 4000, readyBy: null })
    // 10 % of 10 kWh, less 5 %, for half an hour.
    expect(await told(otherAgg)).toMatchObject({ battery: { p50W: 1900 } })
  })

  test('counts days of silence from when a class has devices', async () => {
    const enrolledAt = at(-60, 14)
    const longer = await whileIt(battery, (one) => ({ ...one, enrolledAt }), town.keys.operator)
    expect(longer).toMatchObject({ battery: { days: 10, p10W: 0 } })
  })

  test('stands on nothing that had not happened when it was decided', async () => {
    const before = (await ask(town.keys.dso, 86_400, 88_200)).body
    expect(byKind(before)['charger']).toMatchObject({ days: 9 })
    // Of a day that lies between now and the window, a clock that runs ahead has told already.
    await record(chargers.flatMap((id) => drew(id, 0, 7000, null)))
    expect((await ask(town.keys.dso, 86_400, 88_200)).body).toEqual(before)
  })

  test('what was answered is as the document says', async () => {
    const document = (await service.send('GET', '/openapi.json')).body
    const exchanges = service.exchanges.filter(({ path }) => path.startsWith('/v1/availability'))
    expect(undocumented(document.paths, exchanges)).toEqual([])
  })
})

type Told = { readonly classes: readonly { readonly kind: string }[] }

function byKind({ classes }: Told): Record<string, object> {
  return Object.fromEntries(classes.map(({ kind, ...figures }) => [kind, figures]))
}
