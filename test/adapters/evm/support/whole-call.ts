import { signAuthorisation } from '#adapters/evm/dso-signing.ts'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { receiveRefusal } from '#lifecycle/receive-refusal.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { verificationTasks } from '#lifecycle/verification-tasks.ts'
import type { Attestor, PayoutRail } from '#ports.ts'
import { createWorld } from '#simulations/world.ts'
import { signedInMemory } from '#test/support/signed-rounds.ts'
import { createVerifier } from '#verifier/verifier.ts'
import {
  anOrganisation,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../../../support/builders.ts'
import { plugBattery, plugCharger } from '../../../support/simulated-call.ts'
import { startAnvil } from './anvil.ts'
import { makeWorld, wallTimer } from './world.ts'

const START = addSeconds(WINDOW_START, -1200)

export type WholeCall = Awaited<ReturnType<typeof acceptedCall>>

/**
 * The simulated fleet and the whole lifecycle, with a real pool on a real chain: a call of a charger
 * and a battery whose DSO has accepted the offer.
 */
export async function acceptedCall(options: { hasArbiter?: boolean } = {}) {
  const anvil = await startAnvil(START / 1000 - 60)
  const chain = await makeWorld({ anvil, ...options })
  const program = aProgram()
  let rail: PayoutRail | null = null
  const world = createWorld({
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
  const { id } = call
  await world.passTo(addSeconds(WINDOW_START, -240))
  const { escrow } = await world.store.transaction((tx) => tx.calls.lock(id))
  if (!escrow) throw new Error('there is nothing to accept')
  const authorisation = await signAuthorisation(chain.parties.dso.key, escrow.terms, chain.identity)
  await acceptOffer(world.ports(), dso, id, authorisation)

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

  return {
    chain,
    world,
    id,
    requestId: escrow.requestId,
    /** Business time goes on to so many seconds after the window's start; so many verifiers sign. */
    async passTo(seconds: number, verifiers = 2): Promise<void> {
      await world.passTo(addSeconds(WINDOW_START, seconds), async () => {
        for (const attestor of chain.attestors.slice(0, verifiers)) await verify(attestor)
      })
    },
    /** The call as it is, and what it held. */
    async now() {
      const call = await world.store.transaction((tx) => tx.calls.lock(id))
      const [rest] = await world.store.transaction((tx) => tx.rests.list({ callId: id }))
      return { ...call, rest }
    },
    async stop(): Promise<void> {
      await world.stop()
      await chain.chain.stop()
    },
  }
}
