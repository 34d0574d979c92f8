import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPostgresStore } from '#db/store.ts'
import { resourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { createMigratedDatabase } from '../postgres/migrated-database.ts'
import { WINDOW_START } from '../support/builders.ts'
import { recordingLog } from '../support/recording-log.ts'
import { undocumented } from './documented.ts'
import { aTown, type Service, startService, type Town } from './service.ts'

const charger = resourceId('charger-anna')
const battery = resourceId('battery-bert')
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
  const record = (readings: readonly DeviceReading[]) => recordTelemetry(service.ports, readings)

  beforeAll(async () => {
    const database = await createMigratedDatabase()
    const store = createPostgresStore({ url: database.url, log: recordingLog() })
    drop = () => store.close().then(() => database.drop())
    service = await startService({}, store)
    town = await aTown(service)
    // So many hundreds of Wh a period as it lies days before; a weekend's lies in between.
    const weekend = [3, 4]
    for (const back of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      await record(drew(charger, back, weekend.includes(back) ? 7000 : back * 400, null))
      await record(drew(battery, back, 0, 5000))
    }
  }, 60_000)
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
    expect(await field(-1800, 0)).toBe('query.start')
    expect(await field(15 * 86_400, 15 * 86_400 + 900)).toBe('query.start')
    expect((await ask(town.keys.otherDso)).status).toBe(404)
    expect((await ask(town.keys.anna)).status).toBe(404)
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
    // Seven working days of nine: 400, 800, 2000, 2400, 2800, 3200 and 3600 W.
    expect(byKind(body)).toEqual({
      charger: { p10W: 400, p50W: 2400, p90W: 3600, days: 7 },
      battery: { p10W: 5000, p50W: 5000, p90W: 5000, days: 7 },
    })
    expect((await ask(town.keys.operator)).body).toEqual(body)
    const other = await ask(town.keys.dso, 0, 1800, '&direction=increase-import')
    expect(byKind(other.body)['charger']).toMatchObject({ p90W: 0 })
  })

  test('is told to an aggregator of its own devices alone', async () => {
    expect(Object.keys(byKind((await ask(town.keys.agg)).body))).toEqual(['charger'])
    expect(Object.keys(byKind((await ask(town.keys.otherAgg)).body))).toEqual(['battery'])
  })

  test('stands on nothing that had not happened when it was decided', async () => {
    const before = (await ask(town.keys.dso, 86_400, 88_200)).body
    expect(byKind(before)['charger']).toMatchObject({ days: 7 })
    // Of a day that lies between now and the window, a clock that runs ahead has told already.
    await record(drew(charger, 0, 7000, null))
    expect((await ask(town.keys.dso, 86_400, 88_200)).body).toEqual(before)
    expect((await ask(town.keys.dso)).body.classes).toHaveLength(2)
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
