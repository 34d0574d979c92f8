import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { signAuthorisation } from '#adapters/evm/dso-signing.ts'
import { establishLedger } from '#adapters/ledger-rail/establish.ts'
import { createLedgerRail } from '#adapters/ledger-rail/rail.ts'
import { LEDGER_MONEY } from '#adapters/ledger-rail/signatures.ts'
import { openSigner, verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { hashOf } from '#domain/canonical.ts'
import type { CallId } from '#domain/ids.ts'
import { requestIdOf } from '#domain/pool-messages.ts'
import { addSeconds } from '#domain/time.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { receiveRefusal } from '#lifecycle/receive-refusal.ts'
import { saveBooks } from '#lifecycle/reconcile-chain.ts'
import { recordBankMovement } from '#lifecycle/record-deposit.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { verificationTasks } from '#lifecycle/verification-tasks.ts'
import type { Attestor, EscrowReader, PayoutRail } from '#ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import type { Store } from '#store-ports.ts'
import { createVerifier } from '#verifier/verifier.ts'
import {
  anOrganisation,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from './builders.ts'
import { recordingLog } from './recording-log.ts'
import { signedInMemory } from './signed-rounds.ts'
import { plugBattery, plugCharger } from './simulated-call.ts'

/** What the DSO has paid in, micro-EUR. */
export const DEPOSIT = 10_000_000n

export type LedgerWorld = {
  readonly world: World
  readonly rail: PayoutRail
  /** A call whose escrow the DSO has signed for; its window begins in four minutes. */
  order(): Promise<CallId>
  /** Every verifier looks once at what waits for its signature. */
  verify(): Promise<void>
}

/**
 * A simulated world whose money is on a ledger without a chain, with real keys.
 * @param folder keeps the gateway's key
 */
export async function createLedgerWorld(
  folder: string,
  { refundGraceSeconds = 0 }: { readonly refundGraceSeconds?: number } = {},
): Promise<LedgerWorld> {
  const signer = await openSigner(folder, 'gateway-1')
  const program = aProgram()
  let rail: PayoutRail | null = null
  const world = createWorld({
    start: addSeconds(WINDOW_START, -1200),
    ...program,
    interpose: (ports, driver) => ({
      ports: {
        ...ports,
        rail: rail ?? ports.rail,
        gateway: { id: ports.gateway.id, signer },
      },
      driver,
    }),
  })
  const payer = generatePrivateKey()
  const verifiers = [generatePrivateKey(), generatePrivateKey()]
  const { store, clock } = world
  const setup = await establishLedger({
    store,
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    terms: async () => ({
      verifiers: verifiers.map((key) => privateKeyToAccount(key).address),
      quorum: 2,
      feeReceiver: privateKeyToAccount(generatePrivateKey()).address,
      arbiter: null,
      disputeWindowSeconds: program.disputeWindowSeconds,
      epochWindowSeconds: program.epochWindowSeconds,
      heldWindowSeconds: 3600,
      refundGraceSeconds,
    }),
  })
  rail = createLedgerRail({ store, clock, log: recordingLog(), setup })
  await world.boot()
  const fleet = [
    aResource('charger', 'charger', 120_001n),
    aResource('battery', 'battery', 200_003n),
  ] as const
  await enrolAll(world, fleet, program)
  const { address } = privateKeyToAccount(payer)
  await store.transaction((tx) =>
    tx.organisations.save(anOrganisation('dso', { kind: 'dso', address })),
  )
  const paidIn = { direction: 'in', account: address, amount: DEPOSIT } as const
  await recordBankMovement(world.ports(), { ...paidIn, reference: 'ESCROW 1' })
  await plugCharger(world, fleet[0], 7000)
  plugBattery(world, fleet[1])
  await world.ports().wakeUps.notify('resources')
  const attestors = verifiers.map((key) => createAttestor(key, setup))
  const reader = readerOf(world, rail)
  return {
    world,
    rail,
    async order() {
      await world.passTo(addSeconds(WINDOW_START, -600))
      const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([9100, 9100]))
      await world.passTo(addSeconds(WINDOW_START, -240))
      const { escrow } = await store.transaction((tx) => tx.calls.lock(call.id))
      if (escrow === null) throw new Error('there is nothing to accept')
      const order = await signAuthorisation(payer, escrow.terms, setup, LEDGER_MONEY)
      await acceptOffer(world.ports(), dso, call.id, order)
      return call.id
    },
    async verify() {
      for (const attestor of attestors) await verify(world, attestor, reader)
    },
  }
}

/** One call of such a world to its payout: its evidence, and the books as anybody can save them. */
export async function paidOnLedger(
  folder: string,
): Promise<{ bundle: string; books: string; store: Store }> {
  const { world, order, verify } = await createLedgerWorld(folder)
  try {
    const callId = await order()
    await world.passTo(addSeconds(WINDOW_START, 3600), verify)
    const bundle = await world.store.transaction((tx) => tx.evidence.load(callId, 1))
    const books = await saveBooks(world.ports())
    return { bundle: bundle ?? '', books, store: world.store }
  } finally {
    await world.stop()
  }
}

function readerOf({ store }: World, rail: PayoutRail): EscrowReader {
  return {
    requestId: (terms) => requestIdOf(rail.parties, terms),
    async escrow(id) {
      const found = await store.transaction((tx) => tx.pool.request(id))
      return found && { amount: found.amount, payout: found.payout, round: found.round }
    },
    async isProposed(statement) {
      const found = await store.transaction((tx) => tx.pool.request(statement.requestId))
      return hashOf(found?.proposals.at(-1) ?? null) === hashOf(statement)
    },
    isRecipient: async () => false,
    poolState: () => rail.poolState(),
  }
}

/** One verifier looks once at what waits for its signature. */
async function verify(world: World, attestor: Attestor, chain: EscrowReader): Promise<void> {
  const ports = world.ports()
  const verifier = createVerifier({
    signed: signedInMemory(),
    attestor,
    chain,
    verifySignature: verifyEd25519,
    checkMeterSignature: ports.checkMeterSignature,
    log: ports.log,
    client: {
      tasks: () => verificationTasks(ports, attestor.address),
      bundle: async (callId, version) =>
        (await world.store.transaction((tx) => tx.evidence.load(callId as CallId, version))) ?? '',
      attest: (task, who, signature) =>
        receiveAttestation(ports, { ...task, verifier: who, signature }),
      refuse: (task, who, difference) =>
        receiveRefusal(ports, { ...task, verifier: who, ...difference }),
    },
  })
  await verifier.tick()
}
