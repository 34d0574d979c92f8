import { simulatedSignature } from '#adapters/simulated/rail.ts'
import type { EvidenceBundle } from '#domain/evidence.ts'
import { type FlexibilityCall, isReboundOpen } from '#domain/flexibility-call.ts'
import { type CallId, congestionPointId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { REBOUND_SECONDS_MAX } from '#domain/rebound/rebound-periods.ts'
import { addSeconds, type Instant, instant, parseInstant } from '#domain/time.ts'
import { parseBundle } from '#domain/verification.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { rankDevices } from '#simulations/faults.ts'
import type { Scenario, ScenarioCall } from '#simulations/scenarios/scenario.ts'
import type { World } from '#simulations/world.ts'
import { DSO, scenarioWorld } from './scenario-world.ts'

/** Rebounds are looked at so often, and are over by then, seconds. */
const REBOUND = { stepSeconds: 300, secondsMax: REBOUND_SECONDS_MAX + 3600 }
/** By then the grace is over and everything is measured, seconds after the last window. */
const MEASURED_SECONDS = 300

/** A call that was played, and its evidence; null where it never came to be measured. */
export type PlayedCall = {
  readonly call: FlexibilityCall
  readonly bundle: EvidenceBundle | null
}

/**
 * Plays a scenario's calls on the real service without sockets or wall time, from the request to
 * the measured evidence. Of those that the first call orders so many say yes and do nothing.
 */
export async function playScenario(scenario: Scenario, disobey: number): Promise<PlayedCall[]> {
  const disobedient = new Set<string>()
  const world = await scenarioWorld(scenario, disobedient)
  try {
    const { main, overlapping } = scenario.calls
    const wanted = overlapping === null ? [main] : [main, overlapping]
    await world.settleDown()
    const ids: CallId[] = []
    for (const [i, one] of wanted.entries()) {
      const asked = await requestFlexibility(world.ports(), DSO, `call-${i}`, requestOf(one))
      ids.push(asked.call.id)
    }
    const refs = scenario.devices.map(({ ref }) => ref)
    const meanwhile = async () => {
      for (const id of ids) await acceptIfOffered(world, id)
      const first = await callOf(world, ids[0] as CallId)
      if (disobedient.size > 0 || first.state !== 'ordered') return
      const ordered = new Set<string>(first.allocations.map(({ resourceId }) => resourceId))
      const ranked = rankDevices(scenario.seed, refs).filter((ref) => ordered.has(ref))
      for (const ref of ranked.slice(0, disobey)) disobedient.add(ref)
    }
    const end = lastEnd(wanted)
    await world.passTo(addSeconds(end, MEASURED_SECONDS), meanwhile)
    const played: PlayedCall[] = []
    for (const id of ids) played.push(await playedCall(world, id))
    return await afterRebound(world, played, addSeconds(end, REBOUND.secondsMax))
  } finally {
    await world.stop()
  }
}

/**
 * The same calls with what their devices did after the window. Nobody signs here, so what becomes
 * of the money meanwhile is not played.
 */
async function afterRebound(
  world: World,
  played: readonly PlayedCall[],
  giveUpAt: Instant,
): Promise<PlayedCall[]> {
  for (;;) {
    const now: FlexibilityCall[] = []
    for (const { call } of played) now.push(await callOf(world, call.id))
    if (!now.some(isReboundOpen) || world.clock.now() >= giveUpAt) {
      return played.map(({ call, bundle }, i) => {
        const rebound = now[i]?.rebound
        return { call: rebound === undefined ? call : { ...call, rebound }, bundle }
      })
    }
    await world.passTo(addSeconds(world.clock.now(), REBOUND.stepSeconds))
  }
}

function lastEnd(calls: readonly ScenarioCall[]): Instant {
  return instant(Math.max(...calls.map(({ windowEnd }) => Date.parse(windowEnd))))
}

function requestOf(call: ScenarioCall) {
  return {
    congestionPointId: congestionPointId(call.congestionPoint),
    direction: call.direction,
    window: { start: parseInstant(call.windowStart), end: parseInstant(call.windowEnd) },
    periods: call.periods.map(({ start, powerW }) => ({ start: parseInstant(start), powerW })),
    priceCap: microEurPerKwh(BigInt(call.priceCap)),
    penalty: { kind: 'none' } as const,
  }
}

const callOf = ({ store }: World, id: CallId) => store.transaction((tx) => tx.calls.lock(id))

/** As the DSO would: its signature over exactly what was offered. */
async function acceptIfOffered(world: World, id: CallId): Promise<void> {
  const { state, escrow } = await callOf(world, id)
  if (state !== 'offered' || escrow === null || escrow.authorisation !== null) return
  const { terms } = escrow
  const signature = simulatedSignature(terms.payer, terms)
  const authorisation = { validAfter: 0, validBefore: terms.deliverStart / 1000, signature }
  await acceptOffer(world.ports(), DSO, id, authorisation)
}

async function playedCall({ store }: World, id: CallId): Promise<PlayedCall> {
  return store.transaction(async (tx) => {
    const call = await tx.calls.lock(id)
    const text = call.evidence && (await tx.evidence.load(id, call.evidence.version))
    return { call, bundle: text === null ? null : parseBundle(text) }
  })
}
