import { hashOf } from '#domain/canonical.ts'
import type { ChainIntent } from '#domain/chain.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { EpochStatement, SettlementStatement } from '#domain/evidence.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { Attestor, ChainIdentity, Clock, EscrowReader, PayoutRail } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { SimulatedPool } from './pool.ts'
import { createSender } from './sender.ts'

const address = (name: string): Address => `0x${hashOf({ party: name }).slice(2, 42)}`

/** Addresses of a simulated world's parties, the same in every run. */
export const SIMULATED_PARTIES = {
  payer: address('payer'),
  agent: address('agent'),
  arbiter: address('arbiter'),
  verifiers: [address('verifier-1'), address('verifier-2'), address('verifier-3')] as const,
}

const QUORUM = 2
const HELD_WINDOW_SECONDS = 30 * 86_400

const IDENTITY: ChainIdentity = {
  chainId: 1337,
  genesisHash: hashOf('simulated genesis'),
  pool: address('pool'),
  token: address('token'),
  registry: address('registry'),
  feeReceiver: address('fee receiver'),
}

/** In the simulated world a signature is a hash that names its signer: nobody lies there. */
export function simulatedSignature(signer: Address, message: unknown): Hex {
  return hashOf({ signer, message })
}

export type SimulatedRail = PayoutRail &
  EscrowReader & {
    readonly pool: SimulatedPool
    /** Somebody challenges what is proposed, with a stake of so much. */
    challenge(requestId: Hex, challenger: Address, bond: bigint): Promise<void>
    /** An account names another payout address, from `from` (Unix seconds) on; or takes it back. */
    announceRecipient(account: Address, to: Address, from: number): Promise<void>
    cancelRecipient(account: Address, to: Address): Promise<void>
    /** Somebody has a final payout given back that no epoch counted for a year. */
    returnUnallocated(requestId: Hex): Promise<void>
    /** Somebody proves to the pool that the pending epoch takes from somebody. */
    rejectEpoch(): Promise<void>
    /** An account takes what its leaf has not had yet, as the contract's `claim`. */
    claim(index: number, account: Address, cumulative: bigint): Promise<void>
  }

export type SimulatedRailOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly disputeWindowSeconds: number
  readonly epochWindowSeconds: number
  /** Default 30 days. */
  readonly heldWindowSeconds?: number
  /** Default true: somebody whose word settles a held rest. */
  readonly hasArbiter?: boolean
  /** A pool that outlived a crash of the service. */
  readonly pool?: SimulatedPool
}

/** The payout rail in memory, with the pool's own rules and no chain. */
export function createSimulatedRail(options: SimulatedRailOptions): SimulatedRail {
  const { store, clock, disputeWindowSeconds, epochWindowSeconds } = options
  const heldWindowSeconds = options.heldWindowSeconds ?? HELD_WINDOW_SECONDS
  const arbiter = options.hasArbiter === false ? null : SIMULATED_PARTIES.arbiter
  const { verifiers } = SIMULATED_PARTIES
  const pool =
    options.pool ??
    new SimulatedPool({
      pool: IDENTITY.pool,
      feeReceiver: IDENTITY.feeReceiver,
      disputeWindow: disputeWindowSeconds,
      epochWindow: epochWindowSeconds,
      heldWindow: heldWindowSeconds,
      refundGrace: 0,
      maySettleRest: ({ statement, signatures }) =>
        signatures.length > QUORUM ||
        (arbiter !== null && signatures[0] === simulatedSignature(arbiter, statement)),
    })
  const requestId = (terms: EscrowTerms): Hex => hashOf({ pool: IDENTITY.pool, terms })
  const idOf = (intent: ChainIntent): Hex =>
    intent.kind === 'openRequest' ? requestId(intent.terms) : hashOf(intent)
  const signers = arbiter === null ? verifiers : [...verifiers, arbiter]
  const signer = (message: unknown, signature: Hex): Address | null =>
    signers.find((v) => simulatedSignature(v, message) === signature) ?? null
  const recipients = new Map<string, number>()
  const sender = createSender({ store, clock, pool, identity: IDENTITY, idOf })

  return {
    pool,
    parties: {
      ...IDENTITY,
      relayer: address('relayer'),
      verifierSetId: 1,
      verifiers,
      quorum: QUORUM,
      disputeWindowSeconds,
      epochWindowSeconds,
      heldWindowSeconds,
      refundGraceSeconds: 0,
      arbiter,
    },
    requestId,
    authorisationToSign: (terms) => ({ authorise: terms }),
    cancellationToSign: (id) => ({ cancel: id }),
    settlementToSign: (statement) => ({ settle: statement }),
    verifyAuthorisation: async (terms, { signature }) =>
      signature === simulatedSignature(terms.payer, terms),
    verifyCancellation: async (id, payer, signature) =>
      signature === simulatedSignature(payer, { cancel: id }),
    settlementSigner: async (statement, signature) => signer(statement, signature),
    epochSigner: async (statement, signature) => signer(statement, signature),
    poolState: async () => pool.state(),
    isProposed: async (statement) =>
      pool.requests.get(statement.requestId)?.digest === hashOf(statement),
    escrow: async (id) => {
      const found = pool.requests.get(id)
      return found ? { amount: found.amount, payout: found.payout, round: found.round } : null
    },
    async challenge(id, challenger, bond) {
      const events = pool.challenge(id, challenger, bond, Math.floor(clock.now() / 1000))
      await sender.recordForeign(`challenge ${id}`, events)
    },
    async announceRecipient(account, to, from) {
      recipients.set(`${account} ${to}`, from)
      const event = { kind: 'RecipientAnnounced', account, to, from } as const
      await sender.recordForeign(`announce ${account} ${from}`, [event])
    },
    async returnUnallocated(id) {
      const events = pool.returnUnallocated(id, Math.floor(clock.now() / 1000))
      await sender.recordForeign(`return ${id}`, events)
    },
    async rejectEpoch() {
      const events = pool.reject()
      await sender.recordForeign(`reject ${clock.now()}`, events)
    },
    async claim(index, account, cumulative) {
      const events = pool.claim(index, account, cumulative)
      await sender.recordForeign(`claim ${index} ${cumulative}`, events)
    },
    async cancelRecipient(account, to) {
      recipients.delete(`${account} ${to}`)
      const event = { kind: 'RecipientCancelled', account, to } as const
      await sender.recordForeign(`cancel ${account} ${clock.now()}`, [event])
    },
    isRecipient: async (account, to) =>
      (recipients.get(`${account} ${to}`) ?? Number.POSITIVE_INFINITY) * 1000 <= clock.now(),
    advance: async () => ({ newEvents: await sender.sendAll() }),
  }
}

/** A verifier's key in the simulated world. */
export function createSimulatedAttestor(verifier: Address): Attestor {
  return {
    address: verifier,
    signSettlement: async (statement: SettlementStatement) =>
      simulatedSignature(verifier, statement),
    signEpoch: async (statement: EpochStatement) => simulatedSignature(verifier, statement),
  }
}
