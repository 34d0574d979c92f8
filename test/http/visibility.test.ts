import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatApiKey, sha256Hex } from '#domain/api-key.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import {
  type CallState,
  type FlexibilityCall,
  TERMINAL,
  TRANSITIONS,
} from '#domain/flexibility-call.ts'
import { callId, organisationId, ownerId, type ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import {
  aBaseline,
  aProgram,
  aRequest,
  aResource,
  anOrganisation,
  WINDOW_START,
} from '../support/builders.ts'
import { type Service, startService } from './service.ts'

/**
 * Random tenants against random calls: what a key is shown is exactly what a plain reading of the
 * rules allows. Two DSOs, two aggregators, four owners with a device each.
 */
const DSOS = ['dso-a', 'dso-b'] as const
const OWNERS = ['owner-1', 'owner-2', 'owner-3', 'owner-4'] as const
const AGGREGATOR_OF = {
  'owner-1': 'agg-a',
  'owner-2': 'agg-a',
  'owner-3': 'agg-b',
  'owner-4': 'agg-b',
}
const RESOURCES: Resource[] = OWNERS.map((owner) =>
  aResource(owner.replace('owner', 'device'), 'charger', 1n, {
    ownerId: ownerId(owner),
    aggregatorId: organisationId(AGGREGATOR_OF[owner]),
  }),
)

type Drawn = {
  readonly dso: (typeof DSOS)[number]
  readonly state: CallState
  /** Periods by which the window begins after now; below 0 it has begun. */
  readonly ahead: number
  readonly begun: boolean
  /** Per resource. */
  readonly parts: readonly ('allocated' | 'skipped' | 'none')[]
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  dso: fc.constantFrom(...DSOS),
  state: fc.constantFrom(...(Object.keys(TRANSITIONS) as CallState[])),
  ahead: fc.integer({ min: -3, max: 3 }),
  begun: fc.boolean(),
  parts: fc.array(fc.constantFrom('allocated', 'skipped', 'none'), { minLength: 4, maxLength: 4 }),
})

const KEYS = {
  ...Object.fromEntries(DSOS.map((id, i) => [id, formatApiKey('dso', secret(i))])),
  'agg-a': formatApiKey('aggregator', secret(10)),
  'agg-b': formatApiKey('aggregator', secret(11)),
  ...Object.fromEntries(OWNERS.map((id, i) => [id, formatApiKey('owner', secret(20 + i))])),
} as Record<string, string>

describe('what each key is shown', () => {
  let service: Service
  let made = 0
  beforeAll(async () => {
    service = await startService()
    await service.ports.store.transaction(async (tx) => {
      for (const [id, key] of Object.entries(KEYS)) {
        const [, role] = key.split('_') as [string, 'dso' | 'aggregator' | 'owner']
        const organisation = AGGREGATOR_OF[id as keyof typeof AGGREGATOR_OF] ?? id
        if (role !== 'owner') await tx.organisations.save(anOrganisation(id, { kind: role }))
        await tx.keys.save({
          keySha256: sha256Hex(key),
          role,
          organisationId: organisationId(organisation),
          ownerId: role === 'owner' ? ownerId(id) : null,
        })
      }
      for (const resource of RESOURCES) await tx.resources.save(resource)
    })
  })
  afterAll(() => service.stop())

  async function store(drawing: Drawn): Promise<FlexibilityCall> {
    const call = build(`call-${(made += 1)}`, drawing, service.world.clock.now())
    await service.ports.store.transaction(async (tx) => {
      await tx.calls.create(call)
      await tx.events.append(eventsOf(call))
    })
    return call
  }

  test('follows the rules for every tenant, state, time and part', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(drawn, { minLength: 1, maxLength: 3 }), async (drawings) => {
        const now = service.world.clock.now()
        for (const drawing of drawings) {
          const call = await store(drawing)
          for (const [who, key] of Object.entries(KEYS)) {
            const path = `/v1/flexibility-calls/${call.id}`
            const one = await service.send('GET', path, { key })
            const events = await service.send('GET', `${path}/events`, { key })
            const all = await service.send('GET', '/v1/flexibility-calls?limit=500', { key })
            const listed = all.body.some(({ id }: { id: string }) => id === call.id)
            const decisions = await service.send('GET', `${path}/decisions`, { key })
            const may = allowed(who, drawing, now, call)
            const mayDecisions = may || hearsAfterwards(who, drawing, now, call)
            expect({
              who,
              one: one.status,
              events: events.status,
              listed,
              decisions: decisions.status,
            }).toEqual({
              who,
              one: may ? 200 : 404,
              events: may ? 200 : 404,
              listed: may,
              decisions: mayDecisions ? 200 : 404,
            })
            const foreign = foreignTo(who)
            const told = mayDecisions ? decisions.text : ''
            const shown = (may ? one.text + events.text : '') + told
            const leaked = foreign.filter((id) => shown.includes(id))
            expect({ who, leaked }).toEqual({ who, leaked: [] })
            const isOwner = OWNERS.some((owner) => owner === who)
            const early = [
              ...(isOwner && may ? events.body : []),
              ...(isOwner && mayDecisions ? decisions.body : []),
            ]
            const before = early.filter(
              ({ at }: { at: string }) => Date.parse(at) < call.request.window.start,
            )
            expect({ who, before }).toEqual({ who, before: [] })
          }
        }
      }),
      { numRuns: 25 },
    )
  }, 60_000)
})

/** The rules, read plainly and written once more. */
function allowed(who: string, drawing: Drawn, now: number, call: FlexibilityCall): boolean {
  if (who.startsWith('dso')) return drawing.dso === who
  const mine = drawing.parts.filter((_, i) => owns(who, RESOURCES[i] as Resource))
  if (who.startsWith('agg')) return mine.some((part) => part !== 'none')
  if (!mine.includes('allocated') || now < call.request.window.start) return false
  return drawing.begun || !TERMINAL.has(drawing.state)
}

/** An owner whose device took no part is told why, once the window is over. */
function hearsAfterwards(who: string, drawing: Drawn, now: number, call: FlexibilityCall): boolean {
  if (!who.startsWith('owner') || !drawing.begun) return false
  const mine = drawing.parts.filter((_, i) => owns(who, RESOURCES[i] as Resource))
  return mine.includes('skipped') && now >= call.request.window.end
}

function owns(who: string, resource: Resource): boolean {
  return resource.ownerId === who || resource.aggregatorId === who
}

/** Resources that an aggregator or owner must not read of, and owners that a DSO must not. */
function foreignTo(who: string): string[] {
  if (who.startsWith('dso')) return [...OWNERS, 'leaves at 06:30']
  return RESOURCES.filter((resource) => !owns(who, resource)).map(({ id }) => id)
}

function build(id: string, drawing: Drawn, now: number): FlexibilityCall {
  const start = addSeconds(WINDOW_START, drawing.ahead * 900)
  const request = aRequest([3000, 3000], { window: { start, end: addSeconds(start, 1800) } })
  const program = aProgram({ dsoId: organisationId(drawing.dso) })
  const ids = (part: string) =>
    RESOURCES.filter((_, i) => drawing.parts[i] === part).map((resource) => resource.id)
  const allocated = ids('allocated')
  const zero = `0x${'0'.repeat(64)}` as const
  return {
    id: callId(id),
    dsoId: organisationId(drawing.dso),
    program,
    request,
    state: drawing.state,
    requestedAt: now as never,
    gateClosesAt: addSeconds(start, -300),
    candidates: RESOURCES.filter(({ id: one }) => allocated.includes(one)).map((resource) => ({
      resourceId: resource.id,
      ownerId: resource.ownerId,
      aggregatorId: resource.aggregatorId,
      aggregatorShareBp: basisPoints(1500),
      kind: resource.kind,
      rating: resource.rating,
      price: resource.offer.price,
      ...aBaseline([7000, 7000]),
    })),
    allocations: allocated.map((resourceId) => ({
      resourceId,
      role: 'order',
      periods: [{ start, end: addSeconds(start, 900), powerW: 1000, setpointW: 6000 }],
      releasedAt: null,
    })),
    orderedW: [3000, 3000],
    skipped: ids('skipped').map((resourceId) => {
      return { resourceId, reason: 'departure', detail: 'leaves at 06:30' }
    }),
    reasons: [],
    escrow: null,
    baselineCommitment: null,
    repairs: repairsOf(allocated, start),
    corrections: allocated.map((resourceId) => {
      const figures = { fromW: 1000, toW: 0, errorW: 3000, makeUpW: 0 }
      return { at: start, resourceId, reason: 'not-responding', ...figures }
    }),
    before: [],
    windowStartCommitment: drawing.begun ? zero : null,
    cancelledAt: null,
    releasedAt: null,
    evidence: null,
    settlement: null,
  }
}

function repairsOf(
  [failed, ...replacedBy]: readonly ResourceId[],
  startedAt: FlexibilityCall['requestedAt'],
): FlexibilityCall['repairs'] {
  if (failed === undefined) return []
  const figures = { orderedW: 1, observedW: 2, detectedAt: startedAt, restoredAt: null }
  return [{ resourceId: failed, replacedBy, startedAt, reason: 'silent', ...figures }]
}

/** Before and inside the window: one of the call, one of each resource, one that names others. */
function eventsOf(call: FlexibilityCall): BusinessEventInput[] {
  const { start } = call.request.window
  const names = call.allocations.map(({ resourceId }) => resourceId)
  return [addSeconds(start, -60), addSeconds(start, 60)].flatMap((at): BusinessEventInput[] => [
    eventOf(call, 'call-dispatched', at, null, { escrow: 5, names: names.join(' ') }),
    ...names.flatMap((id) => [
      eventOf(call, 'setpoint-ordered', at, id, { powerW: 7 }),
      eventOf(call, 'shortfall-repaired', at, id, { replacedBy: names.join(' ') }),
    ]),
  ])
}

function eventOf(
  call: FlexibilityCall,
  kind: BusinessEventInput['kind'],
  at: BusinessEventInput['at'],
  resourceId: ResourceId | null,
  data: BusinessEventInput['data'],
): BusinessEventInput {
  const organisationIds = [call.dsoId]
  const rest = { callId: call.id, ownerId: null, notice: false, message: '' }
  return { kind, at, resourceId, organisationIds, data, ...rest }
}

function secret(n: number): Uint8Array {
  return new Uint8Array(32).fill(n + 1)
}
