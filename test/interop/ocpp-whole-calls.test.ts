/**
 * Whole calls, from the request to the money, on charge points that others wrote: the Python
 * package `ocpp` in 1.6, 2.0.1 and 2.1, each alone at its congestion point, side by side.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PartyApi, partyApi } from '#demo/api.ts'
import type { OperatorCallView } from '#demo/views.ts'
import { describeWith } from '#test/support/describe-with.ts'
import { type RealService, startRealService } from '#test/support/real-service.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { runPython } from './python.ts'

const VERSIONS = ['1.6', '2.0.1', '2.1'] as const
/** What the stations' cars draw, W. */
const CAR_W = 21_600
const RATING = {
  importMaxW: 22_080,
  exportMaxW: 0,
  importMinW: 4140,
  phases: 3,
  energyWh: 0,
  reserveWh: 0,
  pausable: false,
}
const CONNECT_MS = 40_000

type Chain = {
  readonly ordered: { readonly powerW: number | null }
  readonly acknowledged: { readonly at: string } | null
  readonly effective: { readonly at: string | null; readonly powerW: number | null } | null
  readonly observed: { readonly at: string; readonly powerW: number } | null
}
type Device = { readonly health: { readonly connected: boolean; readonly detail: string } | null }
type Setting = { readonly connection: { readonly url: string } }

describeWith('python3-venv', 'a whole call on a charge point made of Python', () => {
  let service: RealService
  const stations = new Map<string, ReturnType<typeof runPython>>()
  const owners = new Map<string, PartyApi>()
  const calls = new Map<string, OperatorCallView>()
  const resource = (version: string) => `charger-${version}`

  beforeAll(async () => {
    service = await startRealService()
    for (const version of VERSIONS) await enrol(version)
    await Promise.all(VERSIONS.map((version) => untilMetered(version)))
  }, 420_000)
  afterAll(async () => {
    await Promise.all([...stations.values()].map((station) => station.stop()))
    await service?.stop()
  }, 60_000)

  async function enrol(version: string): Promise<void> {
    const { dso, aggregator, url } = service
    const point = { id: `point-${version}`, name: `Feeder of ${version}` }
    await dso.post('/v1/congestion-points', point, point.id)
    const payout = { kind: 'agent', iban: 'DE89370400440532013000' }
    const owner = { id: `owner-${version}`, payout }
    const { key } = await aggregator.post<{ key: string }>('/v1/owners', owner, owner.id)
    owners.set(
      version,
      partyApi(() => url, key),
    )
    const site = { id: `site-${version}`, ownerId: owner.id, congestionPointId: point.id }
    await aggregator.post('/v1/sites', site, site.id)
    const offer = { priceMinorPerKwh: '320000', directions: ['reduce-import'] }
    const body = {
      id: resource(version),
      kind: 'charger',
      siteId: site.id,
      rating: RATING,
      offer: { ...offer, fromMinute: 0, untilMinute: 1440 },
      connection: { protocol: 'ocpp' },
    }
    const made = await aggregator.post<{ resource: Setting; password: string }>(
      '/v1/resources',
      body,
      body.id,
    )
    const readings = history()
    await aggregator.post(`/v1/resources/${body.id}/history`, { readings }, `history-${body.id}`)
    const args = [version, made.resource.connection.url, made.password]
    stations.set(version, runPython('ocpp_charger.py', args))
  }

  /** The car's habit: the same on each of the last 36 days, in the half hour that comes. */
  function history() {
    const step = 15_000
    const now = Math.floor(Date.now() / step) * step
    const zero = Date.UTC(2026, 0, 1)
    return Array.from({ length: 36 }, (_, back) =>
      Array.from({ length: 121 }, (_, i) => {
        const at = now + i * step - (36 - back) * 86_400_000
        const registerWh = Math.round(((at - zero) / 3_600_000) * CAR_W)
        return { at: new Date(at).toISOString(), registerWh }
      }),
    ).flat()
  }

  async function untilMetered(version: string): Promise<void> {
    const giveUpAt = wallTimer.monotonicMs() + CONNECT_MS
    const path = `/v1/resources/${resource(version)}`
    while (!(await service.aggregator.get<Device>(path)).health?.connected) {
      if (wallTimer.monotonicMs() > giveUpAt) {
        throw new Error(`${version} did not connect: ${stations.get(version)?.said()}`)
      }
      await wallTimer.sleep(200)
    }
    await wallTimer.sleep(8000) // a device is asked only if its readings are fresh
  }

  test('each is ordered, delivers and is paid, alone', async () => {
    const followed = await Promise.allSettled(
      VERSIONS.map(async (version) => {
        calls.set(version, await service.call(`point-${version}`, [12_000, 12_000]))
      }),
    )
    const failed = followed.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    const logs = VERSIONS.map((version) => stations.get(version)?.said().slice(-1500)).join('\n')
    expect(failed, `${logs}\n${service.said().slice(-3000)}`).toEqual([])
    for (const version of VERSIONS) {
      const call = calls.get(version)
      const [line] = call?.lines ?? []
      expect(call?.lines, version).toHaveLength(1)
      expect(line).toMatchObject({ resourceId: resource(version), reason: 'paid' })
      expect(line?.deliveredWh).toBeGreaterThan(0.8 * Number(call?.orderedWh))
      expect(BigInt(call?.escrow?.paidMinor ?? 0)).toBeGreaterThan(0n)
      expect(call?.repairs).toEqual([])
    }
  }, 150_000)

  test.each(VERSIONS)('%s: its owner reads what was delivered, and has a receipt', async (v) => {
    const earned = await owners.get(v)?.get<{
      lines: { resourceId: string; payableWh: number; minor: string; receipt: object | null }[]
    }>('/v1/owner/earnings')
    expect(earned?.lines).toHaveLength(1)
    const [line] = earned?.lines ?? []
    expect(line).toMatchObject({ resourceId: resource(v) })
    expect(line?.receipt, JSON.stringify(line)).not.toBeNull()
    expect(BigInt(line?.minor ?? 0)).toBeGreaterThan(0n)
  })

  test.each(VERSIONS)('%s: its truth chain has every link, and it is let go', async (version) => {
    const path = `/v1/resources/${resource(version)}/setpoints`
    const chains = await service.aggregator.get<Chain[]>(path)
    const limited = chains.filter(({ ordered }) => ordered.powerW !== null)
    expect(limited.length).toBeGreaterThan(0)
    const first = limited.at(-1)
    expect(first?.acknowledged).not.toBeNull()
    expect(first?.effective?.at).not.toBeNull()
    expect(first?.effective?.powerW).toBeLessThanOrEqual(Number(first?.ordered.powerW))
    expect(first?.observed?.powerW).toBeLessThanOrEqual(Number(first?.ordered.powerW) + 500)
    expect(chains[0]).toMatchObject({ ordered: { powerW: null }, effective: { powerW: null } })
    const said = stations.get(version)?.said() ?? ''
    expect(said).toMatch(/profile \d+: TxProfile at level/)
    expect(said).toMatch(/cleared profile \d+: found/)
    expect(said).not.toMatch(/Traceback|not connected/)
  })

  test('database, chain events and token balances agree', async () => {
    const { operator } = service
    const found = await operator.get<{ reconciled: boolean; differences: string[] }>(
      '/v1/operator/reconciliation',
    )
    expect(found.differences).toEqual([])
  })
})
