import { createServer } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { run } from '#commands/network.ts'
import { keccakText } from '#domain/canonical.ts'
import { congestionPointId } from '#domain/ids.ts'
import { feederHash } from '#domain/network/stored-feeder.ts'
import { ieee33 } from '#commands/bench/ieee33.ts'
import { WINDOW_START } from '../support/builders.ts'
import { aTown, type Service, startService, type Town } from './service.ts'

const path = '/v1/congestion-points/cp-north/feeder'
const feeder = {
  ...ieee33(),
  resources: [{ id: 'charger-anna', bus: '33' }],
  sites: [{ id: 'site-bert', bus: '18' }],
}
const body = { branch: '6-26', feeder }

describe('the feeder behind a congestion point', () => {
  let service: Service
  let town: Town
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-feeder-'))
  beforeAll(async () => {
    service = await startService()
    town = await aTown(service)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.stop()
  })
  const put = (sent: unknown, key = town.keys.dso) => service.send('PUT', path, { key, body: sent })

  test('is none before its DSO has given one', async () => {
    const answer = await service.send('GET', path, { key: town.keys.dso })
    expect(answer.status).toBe(404)
  })

  test('is refused with every field that is wrong', async () => {
    const wrong = { ...feeder, baseKv: 0, sites: [{ id: 'site-bert', bus: 'nowhere' }] }
    const { status, body: problem } = await put({ branch: '6-26', feeder: wrong })
    expect([status, problem.code]).toEqual([400, 'malformed'])
    expect(problem.errors.map(({ field }: { field: string }) => field)).toEqual([
      'feeder.baseKv',
      'feeder.sites[0].bus',
    ])
  })

  test('is refused with a branch that it has not, and with loads that nothing carries', async () => {
    const noBranch = await put({ ...body, branch: '1-99' })
    expect(noBranch.body.errors).toEqual([
      { field: 'branch', expected: 'a branch of IEEE 33-bus', got: '1-99' },
    ])
    const buses = feeder.buses.map((bus) => ({ ...bus, loadKw: 90_000 }))
    const tooMuch = await put({ ...body, feeder: { ...feeder, buses } })
    expect(tooMuch.body.errors[0].field).toBe('feeder.buses')
  })

  test('is kept as versions that stay, and told with the hash of its text', async () => {
    const first = await put(body)
    expect(first).toMatchObject({
      status: 200,
      body: { version: 1, branch: '6-26', buses: 33, resources: 1, sites: 1 },
    })
    expect(first.body.hash).toBe(keccakText(JSON.stringify(feeder)))
    expect((await put(body)).body).toEqual(first.body)
    expect((await put({ ...body, branch: '2-3' })).body).toMatchObject({ version: 2 })
    const told = await service.send('GET', path, { key: town.keys.dso })
    expect(told.body.feeder).toEqual(feeder)
    expect(told.body).toMatchObject({ version: 2, branch: '2-3', hash: first.body.hash })
  })

  test('that was taken before stays usable, though a new one is refused for its field', async () => {
    const older = { ...feeder, voltage: 'high' }
    expect((await put({ ...body, feeder: older })).body.errors[0].field).toBe('feeder.voltage')
    const text = JSON.stringify(older)
    await service.world.store.transaction((tx) =>
      tx.organisations.saveFeeder({
        congestionPointId: congestionPointId('cp-south'),
        version: 1,
        branchId: '6-26',
        text,
        hash: feederHash(text),
        importedAt: WINDOW_START,
      }),
    )
    const told = await service.send('GET', path.replace('cp-north', 'cp-south'), {
      key: service.operatorKey,
    })
    expect(told).toMatchObject({ status: 200, body: { version: 1, feeder: older } })
  })

  test('is given by the command, which names what is wrong before and after it is sent', async () => {
    const printed: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0)
    vi.stubEnv('GRIDCALL_API_URL', service.url)
    vi.stubEnv('GRIDCALL_API_KEY', town.keys.dso)
    const file = join(folder, 'feeder.json')
    const give = async (content: object, point = 'cp-north', branch = '6-26') => {
      writeFileSync(file, JSON.stringify(content, null, 2))
      const code = await run(['import', file, '--point', point, '--branch', branch, '--json'])
      return { code, ...JSON.parse(printed.at(-1) ?? '{}') }
    }
    expect(await give({ ...feeder, root: 'x' })).toMatchObject({
      code: 1,
      problems: [{ field: 'root' }],
    })
    expect(await give(feeder, 'cp-south')).toMatchObject({
      code: 1,
      ok: false,
      status: 404,
      problems: [{ field: '--point', got: 'cp-south' }],
    })
    expect(await give(feeder, 'cp-north', '1-99')).toMatchObject({
      code: 1,
      status: 400,
      problems: [{ field: 'branch' }],
    })
    expect(await give(feeder)).toEqual({
      code: 0,
      ok: true,
      version: 3,
      hash: keccakText(JSON.stringify(feeder)),
    })
  })

  test('is not given without a key, nor to what is no service', async () => {
    const file = join(folder, 'feeder.json')
    writeFileSync(file, JSON.stringify(feeder))
    const give = () => run(['import', file, '--point', 'cp-north', '--branch', '6-26'])
    vi.stubEnv('GRIDCALL_API_KEY', undefined)
    await expect(give()).rejects.toThrow(/GRIDCALL_API_KEY: expected the DSO's key/)
    const other = createServer((_request, response) => response.writeHead(502).end('no'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    vi.stubEnv('GRIDCALL_API_KEY', 'x')
    vi.stubEnv('GRIDCALL_API_URL', `http://127.0.0.1:${port}`)
    await expect(give()).rejects.toThrow('the service answered 502: no')
    await new Promise((resolve) => other.close(resolve))
  })
})
