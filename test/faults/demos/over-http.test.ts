import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts'
import type { EarningsView, OperatorCallView, SetpointLine } from '#demo/views.ts'
import { witnessChain } from '../../support/chain-witness.ts'
import {
  acceptCall,
  askerFor,
  expectReconciled,
  orderCall,
  postCall,
  type RealWorld,
  registerParty,
  removeTraces,
  requestFor,
  signCancellation,
  startRealWorld,
  viewCall,
  waitForState,
  waitUntil,
} from '../../support/real-world.ts'

const NORTH = 'cp-north'
const SOUTH = 'cp-south'
const MINUTE = 60_000
/** From a window's end to the owners' money: grace, dispute, epoch and its window, with room. */
const PAYOUT = 20 * MINUTE
const SETTLE_BY = 30 * MINUTE

/** One world of real processes; each case brings a call of its own. */
describe('over HTTP, on real processes', () => {
  const stops: (() => Promise<void>)[] = []
  let world: RealWorld
  beforeAll(async () => {
    world = await startRealWorld((stop) => void stops.push(stop))
  }, 150_000)
  afterAll(async () => {
    await Promise.all(stops.map((stop) => stop()))
    if (world) await removeTraces(world)
  }, 60_000)

  async function onChain() {
    const { pool } = await world.parties.operator.get<{ pool: string }>('/v1/operator/parties')
    return witnessChain(String(world.service.started.rpcUrl), pool)
  }

  function devicesAt(point: string): string[] {
    const { sites, devices } = world.scenario
    const here = new Set(sites.filter((s) => s.congestionPoint === point).map(({ ref }) => ref))
    return devices.filter(({ site }) => here.has(site)).map(({ ref }) => ref)
  }

  test('one Idempotency-Key before and after a kill is one call and one escrow', async () => {
    const { dso, operator } = world.parties
    const from = world.now() + 25 * MINUTE // the service is away for some of it
    const wanted = { point: NORTH, direction: 'reduce-import', powersW: [4000], from } as const
    const { body, window } = requestFor(world, wanted)
    const post = () => dso.post<{ id: string }>('/v1/flexibility-calls', body, 'across-a-kill')
    const { id } = await post()
    const pid = world.service.pid
    process.kill(pid, 'SIGKILL')
    const again = await waitUntil(world, 'the service is back', window.startMs, () =>
      post().catch((error: unknown) => {
        if (error instanceof TypeError) return null // nobody listens yet
        throw error
      }),
    )
    expect(world.service.pid).not.toBe(pid)
    expect(again.id).toBe(id)
    await waitForState(world, id, 'offered', window.startMs)
    await acceptCall(world, id)
    expect(await post()).toMatchObject({ id })
    await waitForState(world, id, 'ordered', window.startMs)

    const calls = await operator.get<{ id: string }[]>('/v1/flexibility-calls')
    expect(calls.map((call) => call.id)).toEqual([id])
    const events = await operator.get<{ kind: string }[]>('/v1/operator/transactions')
    expect(events.filter(({ kind }) => kind === 'RequestOpened')).toHaveLength(1)
    const { escrow } = await viewCall(world, id)
    expect((await onChain()).opened).toEqual([escrow?.requestId])
  })

  test('overlapping calls share no resource and period; elsewhere no setpoint arrives', async () => {
    const main = { point: NORTH, direction: 'reduce-import', powersW: [16_000, 16_000] } as const
    const posted = await postCall(world, 'overlapped', main)
    const from = posted.startMs + 15 * MINUTE
    const later = { ...main, powersW: [8000], from }
    const [first, second] = await Promise.all([
      followToDispatch(posted),
      orderCall(world, 'overlapping', later).then((ordered) => followToDispatch(ordered)),
    ])
    const [mine, theirs] = [first, second].map((call) =>
      call.allocations.flatMap(({ resourceId, periods }) =>
        periods.filter(({ powerW }) => powerW > 0).map(({ start }) => `${resourceId} ${start}`),
      ),
    ) as [string[], string[]]
    const latest = mine.filter((line) => line.endsWith(first.periods[1]?.start ?? 'no period'))
    expect(latest.length).toBeGreaterThan(0)
    expect(theirs.length).toBeGreaterThan(0)
    expect(theirs.filter((line) => mine.includes(line))).toEqual([])

    const south = devicesAt(SOUTH)
    expect(south.length).toBeGreaterThan(5)
    const taking = new Set([...first.allocations, ...second.allocations].map((a) => a.resourceId))
    const { devices } = await waitUntil(world, 'setpoints arrived', world.now(), async () => {
      const report = await world.fleet.report()
      const refs = new Set(report.devices.map(({ ref }) => ref))
      return [...taking].every((ref) => refs.has(ref)) ? report : null
    })
    expect(devices.filter(({ ref }) => south.includes(ref))).toEqual([])
    const told = world.fleetLines().filter(({ kind }) => kind === 'setpoint')
    expect(told.length).toBeGreaterThanOrEqual(taking.size)
    expect(told.filter(({ ref }) => south.includes(ref))).toEqual([])

    async function followToDispatch({ id, startMs }: { id: string; startMs: number }) {
      const { state } = await viewCall(world, id)
      if (state === 'requested' || state === 'offered') {
        await waitForState(world, id, 'offered', startMs)
        await acceptCall(world, id)
      }
      return waitForState(world, id, 'dispatched', startMs)
    }
  })

  describe.concurrent('calls side by side', () => {
    test('an increase-import call is measured and paid', async ({ expect }) => {
      const wanted = { point: SOUTH, direction: 'increase-import', powersW: [3000] } as const
      const { id, endMs } = await orderCall(world, 'increase', wanted)
      const call = await waitForState(world, id, 'paid', endMs + PAYOUT)
      expect(call.deliveredWh).toBeGreaterThan(0)
      expect(BigInt(call.escrow?.paidMinor ?? 0)).toBeGreaterThan(0n)
      const [period] = call.periods
      expect(Number(period?.measuredW)).toBeGreaterThan(Number(period?.baselineW))
    })

    test('an offer that a silent DSO never accepts expires, and nothing is locked', async ({
      expect,
    }) => {
      const wanted = { point: NORTH, direction: 'reduce-import', powersW: [2000] } as const
      const { id, startMs } = await postCall(world, 'silent-dso', wanted)
      const offered = await waitForState(world, id, 'offered', startMs)
      expect(offered.allocations.length).toBeGreaterThan(0)
      const { escrow, reasons } = await waitForState(world, id, 'expired', startMs)
      expect(reasons).toEqual(['the DSO did not accept before the window'])
      expect(escrow).toMatchObject({ fundedMinor: '0', heldMinor: '0' })
      expect((await onChain()).opened).not.toContain(escrow?.requestId)
    })

    test('a resource dearer than the cap is skipped and told why', async ({ expect }) => {
      const battery = devicesAt(SOUTH).find((ref) => ref.startsWith('res-bat')) ?? ''
      const device = world.scenario.devices.find(({ ref }) => ref === battery)
      const site = world.scenario.sites.find(({ ref }) => ref === device?.site)
      const aggregator = world.parties.aggregators.get(site?.aggregator ?? '')
      const { price, ...offer } = device?.offer ?? { price: '' }
      const raised = { ...offer, priceMinorPerKwh: '400001' }
      await aggregator?.put(`/v1/resources/${battery}/offer`, raised)
      expect(price).not.toBe(raised.priceMinorPerKwh)
      const { id, startMs } = await postCall(world, 'below-the-price', {
        point: SOUTH,
        direction: 'reduce-import',
        powersW: [1000],
        priceCap: '400000',
      })
      const call = await waitForState(world, id, 'offered', startMs)
      await aggregator?.put(`/v1/resources/${battery}/offer`, { ...offer, priceMinorPerKwh: price })
      expect(call.skipped).toContainEqual({
        resourceId: battery,
        reason: 'price-above-cap',
        detail: 'asks 400001 micro-EUR/kWh, cap is 400000',
      })
      expect(call.allocations.map(({ resourceId }) => resourceId)).not.toContain(battery)
    })

    test('cancelled before the window, the escrow returns to the DSO', async ({ expect }) => {
      const wanted = { point: NORTH, direction: 'reduce-import', powersW: [2500] } as const
      const { id, startMs } = await orderCall(world, 'cancel-before', wanted)
      const path = `/v1/flexibility-calls/${id}/cancellation`
      await expect(world.parties.dso.post(path, {})).rejects.toThrow('answered 422')
      const signature = await signCancellation(world, id)
      await world.parties.dso.post(path, { signature })
      await waitForState(world, id, 'cancelled', startMs)
      const escrow = await waitUntil(world, 'the escrow is back', startMs, async () => {
        const { escrow } = await viewCall(world, id)
        return escrow?.heldMinor === '0' ? escrow : null
      })
      expect(BigInt(escrow.fundedMinor)).toBeGreaterThan(0n)
      expect(escrow).toMatchObject({ paidMinor: '0', refundMinor: escrow.fundedMinor })
      const { cancelled } = await onChain()
      expect(cancelled).toContainEqual({ id: escrow.requestId, amount: BigInt(escrow.fundedMinor) })
      await expectReconciled(world)
    })

    test('cancelled inside the window, devices are let go and the delivered part is paid', async ({
      expect,
    }) => {
      const wanted = { point: NORTH, direction: 'reduce-import', powersW: [4000] } as const
      const { id, startMs, endMs } = await orderCall(world, 'cancel-inside', wanted)
      await waitForState(world, id, 'dispatched', startMs)
      await waitUntil(world, 'half the window is over', endMs, async () =>
        world.now() > startMs + 7 * MINUTE ? true : null,
      )
      await world.parties.dso.post(`/v1/flexibility-calls/${id}/cancellation`, {})
      const released = await waitUntil(world, 'it is released', world.now(), async () => {
        const call = await viewCall(world, id)
        return call.releasedAt === null ? null : call
      })
      expect(Date.parse(released.releasedAt ?? '')).toBeLessThan(endMs)
      await waitUntil(world, 'every device is at its default', world.now(), async () => {
        const rows =
          await world.parties.operator.get<(SetpointLine & { callId: string })[]>(
            '/v1/operator/setpoints',
          )
        const mine = rows.filter(({ callId }) => callId === id)
        return mine.length > 0 && mine.every(({ atDefault }) => atDefault) ? mine : null
      })
      const call = await waitForState(world, id, 'paid', endMs + PAYOUT)
      expect(call.deliveredWh).toBeGreaterThan(0)
      expect(call.deliveredWh).toBeLessThan(1000) // 4 kW for the whole window
      const { fundedMinor, paidMinor, feeMinor, refundMinor, heldMinor } = call.escrow as Escrow
      expect(BigInt(paidMinor)).toBeGreaterThan(0n)
      expect(BigInt(refundMinor)).toBeGreaterThan(0n)
      expect(BigInt(paidMinor) + BigInt(feeMinor) + BigInt(refundMinor)).toBe(BigInt(fundedMinor))
      expect(heldMinor).toBe('0')
    })

    test('a reading changed in the database is named by every verifier; the DSO is refunded', async ({
      expect,
    }) => {
      const wanted = { point: NORTH, direction: 'reduce-import', powersW: [3500] } as const
      const { id, startMs, endMs, call } = await orderCall(world, 'changed-reading', wanted)
      const resourceId = call.allocations[0]?.resourceId ?? ''
      const at = startMs + 5 * MINUTE
      await waitUntil(world, 'the reading is there', at, () => changeReading(resourceId, at))
      const measured = await waitUntil(world, 'verifiers refused', endMs + 3 * MINUTE, async () => {
        const now = await viewCall(world, id)
        return now.attestations.refusals.length === 3 ? now : null
      })
      const line = `reading ${resourceId} ${new Date(at).toISOString().replace('.000', '')}`
      expect(measured.state).toBe('measured')
      expect(measured.attestations.signed).toBe(0)
      expect(measured.attestations.refusals.map((refusal) => refusal.line)).toEqual([
        line,
        line,
        line,
      ])
      const { escrow } = await waitForState(world, id, 'refunded', endMs + SETTLE_BY)
      const { fundedMinor } = escrow as Escrow
      expect(escrow).toMatchObject({ paidMinor: '0', feeMinor: '0', refundMinor: fundedMinor })
      expect((await onChain()).refunded).toContain(escrow?.requestId)
    })
  })

  /** One watt-hour more on the meter. @returns null while there is no such reading */
  async function changeReading(resourceId: string, at: number): Promise<true | null> {
    const client = new pg.Client({ connectionString: world.service.started.databaseUrl })
    await client.connect()
    try {
      const sql =
        'UPDATE gridcall.readings SET register_wh = register_wh + 1 WHERE resource_id = $1 AND at = $2'
      const { rowCount } = await client.query(sql, [resourceId, at])
      return rowCount === 1 ? true : null
    } finally {
      await client.end()
    }
  }

  test('a foreign key answers 404 for every role', async () => {
    const { dso, operator, keys } = world.parties
    const calls = await operator.get<{ id: string; state: string }[]>('/v1/flexibility-calls')
    const id = calls.find(({ state }) => state === 'paid')?.id ?? ''
    const paid = await viewCall(world, id)
    const call = `/v1/flexibility-calls/${id}`
    const ofCall = [call, `${call}/events`, `${call}/evidence`]
    const own = askerFor(world, keys.dso)
    for (const path of ofCall) expect([path, await own.status('GET', path)]).toEqual([path, 200])

    const address = () => privateKeyToAccount(generatePrivateKey()).address
    const dso2 = await registerParty(world, 'dso', address())
    const aggregator2 = await registerParty(world, 'aggregator', null)
    const verifier = await registerParty(world, 'verifier', address())
    const agent = await registerParty(world, 'agent', address())
    const { resourceId } = paid.allocations[0] as OperatorCallView['allocations'][number]
    const resource = `/v1/resources/${resourceId}`
    const offer = {
      priceMinorPerKwh: '100000',
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    }
    const acceptance = { validAfter: 0, validBefore: 1, signature: `0x${'11'.repeat(65)}` }
    const asks = [
      ...[...ofCall, `${call}/authorisation`, `${call}/cancellation`, resource].map(
        (path) => ['GET', path, undefined] as const,
      ),
      ['GET', '/v1/operator/setpoints', undefined],
      ['GET', '/v1/operator/transactions', undefined],
      ['PUT', `${resource}/offer`, offer],
      ['POST', `${call}/acceptance`, acceptance],
      ['POST', `${call}/cancellation`, {}],
    ] as const
    const strangers = { dso2, aggregator2, verifier, agent, owner2: await foreignOwner(paid) }
    for (const [who, stranger] of Object.entries(strangers)) {
      for (const [method, path, body] of asks) {
        const status = await stranger.status(method, path, body)
        expect({ who, method, path, status }).toEqual({ who, method, path, status: 404 })
      }
      for (const role of ['owner', 'aggregator'] as const) {
        const path = `/v1/${role}/earnings`
        const status = await stranger.status('GET', path)
        if (!who.startsWith(role)) expect([who, path, status]).toEqual([who, path, 404])
        else {
          const { lines } = await stranger.api.get<EarningsView>(path)
          expect(lines.filter((line) => line.callId === id)).toEqual([])
        }
      }
    }
    await expectNeighboursSeeNothing(paid, call, resource)
    expect(await dso.get<OperatorCallView>(call)).toMatchObject({ state: 'paid' })
  })

  /** The other aggregator has devices at the same point, other owners have the same aggregator. */
  async function expectNeighboursSeeNothing(paid: OperatorCallView, call: string, path: string) {
    const { aggregators, owners } = world.parties
    const { devices, sites } = world.scenario
    const siteOf = (resourceId: string) => {
      const device = devices.find(({ ref }) => ref === resourceId)
      return sites.find(({ ref }) => ref === device?.site)
    }
    const called = paid.allocations.map(({ resourceId }) => siteOf(resourceId))
    const [first] = called
    for (const [ref, aggregator] of aggregators) {
      const asked = aggregator.get(path)
      if (ref === first?.aggregator) await expect(asked).resolves.toBeDefined()
      else await expect(asked).rejects.toThrow('answered 404')
    }
    const takingPart = new Set(called.map((site) => site?.owner))
    const outside = [...owners].filter(([ref]) => !takingPart.has(ref))
    expect(outside.length).toBeGreaterThan(5)
    for (const [, owner] of outside) {
      await expect(owner.get(call)).rejects.toThrow('answered 404')
      await expect(owner.get(path)).rejects.toThrow('answered 404')
    }
  }

  /** A new owner of the aggregator whose devices were called: next door, and yet a stranger. */
  async function foreignOwner(paid: OperatorCallView) {
    const { devices, sites } = world.scenario
    const device = devices.find(({ ref }) => ref === paid.allocations[0]?.resourceId)
    const site = sites.find(({ ref }) => ref === device?.site)
    const aggregator = world.parties.aggregators.get(site?.aggregator ?? '')
    const payout = { kind: 'wallet', address: world.wallet.address }
    const body = { id: 'own-foreign', payout }
    const made = await aggregator?.post<{ key: string }>('/v1/owners', body, 'own-foreign')
    return askerFor(world, made?.key ?? '')
  }
})

type Escrow = NonNullable<OperatorCallView['escrow']>
