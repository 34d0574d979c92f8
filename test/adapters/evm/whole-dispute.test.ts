import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { signAuthorisation } from '#adapters/evm/dso-signing.ts'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { statementOfRest } from '#domain/evidence.ts'
import type { CallId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { addSeconds } from '#domain/time.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import { decideDispute } from '#lifecycle/decide-dispute.ts'
import { disputeLine } from '#lifecycle/dispute-line.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { receiveRefusal } from '#lifecycle/receive-refusal.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { verificationTasks } from '#lifecycle/verification-tasks.ts'
import type { Attestor, PayoutRail } from '#ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { createVerifier } from '#verifier/verifier.ts'
import {
  anOrganisation,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../../support/builders.ts'
import { AGGREGATOR, CHARGER } from '../../support/disputed-call.ts'
import { plugBattery, plugCharger } from '../../support/simulated-call.ts'
import { startAnvil } from './support/anvil.ts'
import { makeWorld, wallTimer, type World as Chain } from './support/world.ts'
import { signedInMemory } from '#test/support/signed-rounds.ts'

/*
 * The simulated fleet and the whole lifecycle, with a real pool on a real chain: one line is
 * disputed while its settlement stands proposed, the others are paid, the arbiter decides.
 */
let chain: Chain
let world: World
let id: CallId

const START = addSeconds(WINDOW_START, -1200)

beforeAll(async () => {
  chain = await makeWorld({ anvil: await startAnvil(START / 1000 - 60) })
  const program = aProgram()
  let rail: PayoutRail | null = null
  world = createWorld({
    start: START,
    ...program,
    interpose: (ports, driver) => ({ ports: { ...ports, rail: rail ?? ports.rail }, driver }),
  })
  rail = await chain.open({ store: world.store, clock: world.clock })
  await world.boot()
  const charger = aResource('charger', 'charger', 120_001n)
  const battery = aResource('battery', 'battery', 200_003n)
  await enrolAll(world, [charger, battery], program)
  const { address } = chain.parties.dso
  await world.store.transaction((tx) =>
    tx.organisations.save(anOrganisation('dso', { kind: 'dso', address })),
  )
  await plugCharger(world, charger, 7000)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([9100, 9100]))
  id = call.id
  await world.passTo(addSeconds(WINDOW_START, -240))
  const { escrow } = await world.store.transaction((tx) => tx.calls.lock(id))
  if (!escrow) throw new Error('there is nothing to accept')
  const authorisation = await signAuthorisation(chain.parties.dso.key, escrow.terms, chain.identity)
  await acceptOffer(world.ports(), dso, id, authorisation)
}, 60_000)

afterAll(async () => {
  await world.stop()
  await chain.chain.stop()
})

/** One verifier looks once at what waits for its signature. */
async function verify(attestor: Attestor): Promise<void> {
  const reader = { rpcUrl: chain.chain.url, timer: wallTimer, identity: chain.identity }
  const verifier = createVerifier({
    signed: signedInMemory(),
    attestor,
    chain: createEscrowReader(reader),
    verifySignature: verifySimulatedSignature,
    checkMeterSignature: world.ports().checkMeterSignature,
    log: world.ports().log,
    client: {
      tasks: () => verificationTasks(world.ports(), attestor.address),
      async bundle(callId, version) {
        const load = world.store.transaction((tx) => tx.evidence.load(callId as CallId, version))
        return (await load) ?? ''
      },
      attest: (task, who, signature) =>
        receiveAttestation(world.ports(), { ...task, verifier: who, signature }),
      refuse: (task, who, difference) =>
        receiveRefusal(world.ports(), { ...task, verifier: who, ...difference }),
    },
  })
  await verifier.tick()
}

async function passTo(seconds: number): Promise<void> {
  await world.passTo(addSeconds(WINDOW_START, seconds), async () => {
    for (const attestor of chain.attestors.slice(0, 2)) await verify(attestor)
  })
}

async function callNow() {
  const call = await world.store.transaction((tx) => tx.calls.lock(id))
  const [rest] = await world.store.transaction((tx) => tx.rests.list({ callId: id }))
  return { ...call, rest }
}

it('pays the others, holds the line, and pays of it what the arbiter signed', async () => {
  await passTo(2040)
  expect(await callNow()).toMatchObject({ state: 'verified', standing: { round: 1 } })
  const { resourceId, ...input } = {
    callId: id,
    resourceId: CHARGER,
    party: AGGREGATOR,
    reason: 'readings' as const,
    text: 'the meter had more',
  }
  await disputeLine(world.ports(), { ...input, resourceId })
  await passTo(3600)
  const held = await callNow()
  expect(held).toMatchObject({ state: 'paid', standing: { round: 2 }, rest: { state: 'held' } })
  const { rest } = held
  if (!rest) throw new Error('nothing is held')
  expect(await world.ports().rail.poolState()).toMatchObject({ locked: rest.amount })
  expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })

  const lines = rest.lines.map((line) => ({
    resourceId: line.resourceId,
    pay: microEur(line.held / 2n),
  }))
  const decision = { callId: id, lines, note: 'half of it' }
  const { version } = await decideDispute(world.ports(), decision)
  const statement = statementOfRest((await callNow()).rest ?? rest)
  if (!statement) throw new Error('nothing was decided')
  const arbiter = createAttestor(chain.parties.arbiter.key, chain.identity)
  const signature = await arbiter.signSettlement(statement)
  const verifier = arbiter.address
  const word = { subject: 'settlement', subjectId: id, version, verifier, signature } as const
  await receiveAttestation(world.ports(), word)

  await passTo(5400)
  const ended = await callNow()
  expect(ended.rest).toMatchObject({ state: 'paid' })
  const pool = await world.ports().rail.poolState()
  expect(pool).toMatchObject({ locked: 0n, allocatable: 0n, currentEpoch: 2 })
  const paid = (held.settlement?.payout ?? 0n) + (ended.rest?.settlement?.payout ?? 0n)
  expect(pool.totalClaimed).toBe(paid)
  expect(ended.rest?.settlement?.payout).toBe((lines[0]?.pay ?? 0n) as bigint)
  expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
}, 60_000)
