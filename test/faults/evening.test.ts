import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { PartyApi } from '#demo/api.ts'
import { postCall } from '#demo/play.ts'
import type { Witness } from '../support/chain-witness.ts'
import {
  answered,
  at,
  beginEvening,
  CALLS,
  CAP,
  type Evening,
  MINUTES,
  type Name,
  SCENARIO,
} from '../support/evening.ts'
import { eventually, type RealService, startRealService } from '../support/real-service.ts'

/*
 * One service and one fleet as real processes, and one evening: each test waits for its own call.
 */
const SPEED = 60
const EVENING_MS = 420_000
vi.setConfig({ testTimeout: EVENING_MS })

let real: RealService
let evening: Evening
const ids = {} as Record<Name, string>
let dearest: string

beforeAll(async () => {
  real = await startRealService(SCENARIO, SPEED)
}, EVENING_MS)

afterAll(() => real?.stop(), EVENING_MS)

describe('before the evening begins', () => {
  test('one Idempotency-Key across kill -9 is one call', async () => {
    const { dso, operator } = real.parties
    ids.main = await postCall(dso, CALLS.main, 'evening-main')
    await real.kill()
    expect(real.said).toEqual(['the service died; it is started again on the same data'])
    expect(await postCall(dso, CALLS.main, 'evening-main')).toBe(ids.main)
    const other = postCall(dso, CALLS.overlapping, 'evening-main')
    await expect(other).rejects.toThrow(/answered 422: .*idempotency-key-reused/)
    const calls = await operator.get<{ id: string }[]>('/v1/flexibility-calls')
    expect(calls.map(({ id }) => id)).toEqual([ids.main])
  })

  test('a foreign key answers 404, for every role', async () => {
    const { operator, aggregators, owners } = real.parties
    const register = async (kind: string) => {
      const body = { id: `other-${kind}`, kind, name: kind, address: privateKeyAddress() }
      const { key } = await operator.post<{ key: string }>('/v1/organisations', body, body.id)
      return real.api(key)
    }
    const call = `/v1/flexibility-calls/${ids.main}`
    const signature = `0x${'11'.repeat(65)}`
    const otherDso = await register('dso')
    const verifier = await register('verifier')
    const agent = await register('agent')
    const strangers: [string, () => Promise<unknown>][] = [
      ['a DSO reads', () => otherDso.get(call)],
      ['a DSO reads events', () => otherDso.get(`${call}/events`)],
      ['a DSO reads what is to be signed', () => otherDso.get(`${call}/authorisation`)],
      ['a DSO accepts', () => otherDso.post(`${call}/acceptance`, { ...VALIDITY, signature })],
      ['a DSO cancels', () => otherDso.post(`${call}/cancellation`, { signature })],
      ['a DSO reads the evidence', () => otherDso.get(`${call}/evidence`)],
      ['a verifier reads', () => verifier.get(call)],
      ['an agent reads', () => agent.get(call)],
      [
        'an operator accepts',
        () => operator.post(`${call}/acceptance`, { ...VALIDITY, signature }),
      ],
    ]
    const [amber, birch] = [...aggregators.values()] as [PartyApi, PartyApi]
    const [mine] = (await amber.get<{ id: string }[]>('/v1/resources')).map(({ id }) => id)
    const [foreign] = (await birch.get<{ id: string }[]>('/v1/resources')).map(({ id }) => id)
    expect(await answered(amber.get(`/v1/resources/${mine}`))).toBe(200)
    const resource = `/v1/resources/${foreign}`
    const reading = { at: at(-600), registerWh: 1 }
    strangers.push(
      ['an aggregator reads the call', () => amber.get(call)],
      ['an aggregator reads', () => amber.get(resource)],
      ['an aggregator changes an offer', () => amber.put(`${resource}/offer`, OFFER)],
      [
        'an aggregator trusts',
        () => amber.post(`${resource}/trust`, { thumbprint: 'AB'.repeat(20) }),
      ],
      ['an aggregator imports', () => amber.post(`${resource}/history`, { readings: [reading] })],
    )
    for (const [name, owner] of owners) {
      const own = (await owner.get<{ id: string }[]>('/v1/resources')).map(({ id }) => id)
      const notOwn = SCENARIO.devices.find(({ ref }) => !own.includes(ref))?.ref
      strangers.push([`${name} reads`, () => owner.get(`/v1/resources/${notOwn}`)])
      strangers.push([`${name} reads the call`, () => owner.get(call)])
    }
    expect(strangers.length).toBeGreaterThan(30)
    for (const [who, asks] of strangers) expect(await answered(asks()), who).toBe(404)
  })

  test('the cheapest charger becomes dearer than the calls may pay, and all is posted', async () => {
    const north = SCENARIO.sites.filter(({ congestionPoint }) => congestionPoint === 'cp-north')
    const [cheapest] = SCENARIO.devices
      .filter(({ kind, site }) => kind === 'charger' && north.some(({ ref }) => ref === site))
      .toSorted((a, b) => Number(a.offer.price) - Number(b.offer.price))
    dearest = cheapest?.ref ?? ''
    const site = SCENARIO.sites.find(({ ref }) => ref === cheapest?.site)
    const aggregator = real.parties.aggregators.get(site?.aggregator ?? '')
    await aggregator?.put(`/v1/resources/${dearest}/offer`, OFFER)
    for (const name of Object.keys(CALLS) as Name[]) {
      ids[name] = await postCall(real.parties.dso, CALLS[name], `evening-${name}`)
    }
    expect(new Set(Object.values(ids)).size).toBe(Object.keys(CALLS).length)
    evening = beginEvening(real, ids)
  })
})

const OFFER = {
  priceMinorPerKwh: '440000',
  directions: ['reduce-import'],
  fromMinute: 0,
  untilMinute: 1440,
}
const VALIDITY = { validAfter: 0, validBefore: 1 }

function privateKeyAddress(): string {
  return privateKeyToAccount(generatePrivateKey()).address
}

describe('on the evening', () => {
  let chain: Witness
  const requestId = async (name: Name) => (await evening.ended[name]).escrow?.requestId

  test('everything comes to its end', async () => {
    await evening.all
    const states = await Promise.all(
      (Object.keys(CALLS) as Name[]).map(async (name) => [name, (await evening.ended[name]).state]),
    )
    expect(Object.fromEntries(states)).toEqual({
      main: 'paid',
      overlapping: 'refunded',
      increase: 'paid',
      silent: 'expired',
      cancelledBefore: 'cancelled',
      cancelledInside: 'paid',
    })
    chain = await untilHandedOut()
  })

  test('the call that was posted twice has one escrow', async () => {
    const id = await requestId('main')
    expect(chain.opened.filter((opened) => opened === id)).toHaveLength(1)
    expect(chain.opened).toEqual([...new Set(chain.opened)])
  })

  test('overlapping calls share no resource in any period', async () => {
    const calls = await Promise.all(Object.values(evening.ended))
    const promised = calls
      .filter(({ state }) => state !== 'expired' && state !== 'cancelled')
      .flatMap(({ allocations }) => allocations)
      .flatMap(({ resourceId, periods }) => {
        const quarters = periods.map(({ start }) => Math.floor(Date.parse(start) / (15 * MINUTES)))
        return [...new Set(quarters)].map((quarter) => `${resourceId} in ${quarter}`)
      })
    expect(promised.length).toBeGreaterThan(6)
    expect(promised).toEqual([...new Set(promised)])
  })

  test('devices that no call had ordered got no setpoint, by the fleet’s own log', async () => {
    const calls = await Promise.all(Object.values(evening.ended))
    const ordered = new Set(
      calls.flatMap(({ allocations }) => allocations.map(({ resourceId }) => resourceId)),
    )
    const told = real
      .fleetLog()
      .filter(({ kind, action }) => kind === 'setpoint' || action === 'SetActivePower')
    expect(told.length).toBeGreaterThan(0)
    expect(told.filter(({ ref }) => !ordered.has(ref))).toEqual([])
    expect(ordered.size).toBeLessThan(SCENARIO.devices.length)
  })

  test('a call for more import is delivered by batteries and paid', async () => {
    const call = await evening.ended.increase
    expect(call.allocations.map(({ kind }) => kind)).toContain('battery')
    expect(call.allocations.map(({ kind }) => kind)).not.toContain('charger')
    expect(call.deliveredWh).toBeGreaterThan(call.orderedWh * 0.9)
    expect(BigInt(call.escrow?.paidMinor ?? 0)).toBeGreaterThan(0n)
    for (const line of call.lines) expect(line.reason).toBe('paid')
    const refs = new Set(call.allocations.map(({ resourceId }) => resourceId))
    const setpoints = real
      .fleetLog()
      .filter(({ kind, ref, at: when }) => kind === 'setpoint' && refs.has(ref) && when < at(15))
    expect(setpoints.length).toBeGreaterThan(0)
    for (const { powerW } of setpoints) expect(powerW).toBeGreaterThan(0)
  })

  test('what asks more than the cap is left out, with the reason', async () => {
    const { skipped, allocations } = await evening.ended.main
    expect(skipped.find(({ resourceId }) => resourceId === dearest)).toEqual({
      resourceId: dearest,
      reason: 'price-above-cap',
      detail: `asks 440000 micro-EUR/kWh, cap is ${CAP}`,
    })
    expect(allocations.map(({ resourceId }) => resourceId)).not.toContain(dearest)
  })

  test('a silent DSO’s call expires and nothing was locked for it', async () => {
    const call = await evening.ended.silent
    expect(call.reasons).toEqual(['the DSO did not accept before the window'])
    expect(call.escrow).toMatchObject({ fundedMinor: '0' })
    expect(chain.opened).not.toContain(call.escrow?.requestId)
  })

  test('a call cancelled before its window, signed by the DSO, has its escrow back on chain', async () => {
    expect((await evening.cancelled).unsigned).toBe(422)
    const { escrow, allocations } = await evening.ended.cancelledBefore
    const [found] = chain.cancelled.filter(({ id }) => id === escrow?.requestId)
    expect(chain.cancelled).toHaveLength(1)
    expect(found?.amount).toBeGreaterThan(0n)
    const { events } = await eventsOf('cancelledBefore')
    expect(events).not.toContain('call-dispatched')
    expect(allocations.length).toBeGreaterThan(0)
  })

  test('a call cancelled inside its window releases its devices and pays what was delivered', async () => {
    const call = await evening.ended.cancelledInside
    expect((await evening.released).length).toBeGreaterThan(0)
    expect(Date.parse(call.releasedAt ?? '')).toBeLessThan(Date.parse(at(60)))
    expect(call.orderedWh).toBeGreaterThan(0)
    expect(call.orderedWh).toBeLessThan(call.requestedWh)
    expect(BigInt(call.escrow?.paidMinor ?? 0)).toBeGreaterThan(0n)
    const refs = new Set(call.allocations.map(({ resourceId }) => resourceId))
    const back = real
      .fleetLog()
      .filter(({ kind, ref }) => kind === 'default' && refs.has(ref))
      .filter(({ at: when }) => when > at(51) && when < at(60))
    expect(new Set(back.map(({ ref }) => ref))).toEqual(refs)
  })

  test('a reading that was changed by SQL is named by every verifier, and nothing is paid', async () => {
    const { resourceId, at: when } = await evening.tampered
    const call = await evening.ended.overlapping
    const { verifiers } = await real.parties.operator.get<{ verifiers: string[] }>(
      '/v1/operator/parties',
    )
    const { refusals } = call.attestations
    const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
    expect(verifiers).toHaveLength(3)
    for (const verifier of verifiers) {
      const mine = refusals.find((refusal) => same(refusal.verifier, verifier))
      expect(mine?.line).toBe(`reading ${resourceId} ${when}`)
    }
    expect(call.attestations.signed).toBe(0)
    expect(call.escrow).toMatchObject({ paidMinor: '0', feeMinor: '0', heldMinor: '0' })
    expect(call.escrow?.refundMinor).toBe(call.escrow?.fundedMinor)
    expect(chain.refunded).toEqual([call.escrow?.requestId])
  })

  test('a verifier that rounds otherwise refuses and names the line', async () => {
    const { line, expected, got } = await evening.oddRefusal
    const gross = (json: string) => BigInt((JSON.parse(json) as { gross: string }).gross)
    expect(line).toMatch(/^line res-/)
    expect(gross(expected)).toBe(gross(got) + 1n)
    const { attestations } = await evening.ended.main
    expect(attestations.signed).toBeGreaterThanOrEqual(2)
  })

  test('owners see the calls that they took part in, and no others', async () => {
    const call = await evening.ended.main
    const taking = new Set(call.allocations.map(({ resourceId }) => resourceId))
    const path = `/v1/flexibility-calls/${call.id}`
    const seen = new Set<number>()
    for (const [name, owner] of real.parties.owners) {
      const own = await owner.get<{ id: string }[]>('/v1/resources')
      const expected = own.some(({ id }) => taking.has(id)) ? 200 : 404
      expect(await answered(owner.get(path)), name).toBe(expected)
      seen.add(expected)
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([200, 404])
  })

  test('database, events and token agree to the last micro-EUR', async () => {
    const all = await Promise.all(Object.values(ids).map((id) => real.when(id, () => true)))
    const sum = (key: 'fundedMinor' | 'paidMinor' | 'feeMinor' | 'refundMinor') =>
      all.reduce((total, { escrow }) => total + BigInt(escrow?.[key] ?? 0), 0n)
    expect(chain).toMatchObject({ into: sum('fundedMinor'), out: sum('fundedMinor'), balance: 0n })
    expect(chain.paid.reduce((total, { amount }) => total + amount, 0n)).toBe(sum('paidMinor'))
    expect(chain.withdrawn).toBe(sum('feeMinor') + sum('refundMinor'))
    const reconciliation = await real.parties.operator.get('/v1/operator/reconciliation')
    expect(reconciliation).toEqual({ reconciled: true, differences: [] })
  })
})

async function eventsOf(name: Name): Promise<{ events: string[] }> {
  const path = `/v1/flexibility-calls/${ids[name]}/events`
  const events = await real.parties.dso.get<{ kind: string }[]>(path)
  return { events: events.map(({ kind }) => kind) }
}

/** Fees and refunds are handed out a moment after the owners are paid. */
function untilHandedOut(): Promise<Witness> {
  return eventually('the pool', async () => {
    const chain = await real.chain()
    return chain.balance === 0n ? chain : `still holds ${chain.balance} micro-EUR`
  })
}
