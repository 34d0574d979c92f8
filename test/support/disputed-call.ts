import { SIMULATED_PARTIES, simulatedSignature } from '#adapters/simulated/rail.ts'
import type { Dispute, DisputingParty } from '#domain/dispute.ts'
import { statementOfRest } from '#domain/evidence.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import { organisationId, ownerId, resourceId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import type { Program } from '#domain/program.ts'
import { addSeconds } from '#domain/time.ts'
import { decideDispute } from '#lifecycle/decide-dispute.ts'
import { disputeLine } from '#lifecycle/dispute-line.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World, type WorldOptions } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from './builders.ts'
import { plugBattery, plugCharger, runVerifiers } from './simulated-call.ts'

export const DSO_PARTY: DisputingParty = { role: 'dso', organisationId: dso, ownerId: null }
export const AGGREGATOR: DisputingParty = {
  role: 'aggregator',
  organisationId: organisationId('agg-1'),
  ownerId: null,
}
export const OWNER: DisputingParty = {
  role: 'owner',
  organisationId: organisationId('agg-1'),
  ownerId: ownerId('owner-charger'),
}

/** When grace is over and the call is measured. */
export const MEASURED = addSeconds(WINDOW_START, 1920)
export const CHARGER = resourceId('charger')
export const BATTERY = resourceId('battery')
const HELD_WINDOW = 3600

/** A call of a charger and a battery that is measured now; nobody has signed yet. */
export async function measuredCall(
  options: Partial<WorldOptions> = {},
  changes: Partial<Program> = {},
) {
  const program = aProgram(changes)
  const start = addSeconds(WINDOW_START, -1200)
  const world = createWorld({ start, ...program, heldWindowSeconds: HELD_WINDOW, ...options })
  await world.boot()
  const charger = aResource('charger', 'charger', 120_001n)
  const battery = aResource('battery', 'battery', 200_003n)
  await enrolAll(world, [charger, battery], program)
  await plugCharger(world, charger, 7000)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const request = aRequest([9100, 9100])
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(MEASURED)
  return new DisputedCall(world, call.id)
}

export class DisputedCall {
  readonly world: World
  readonly id: FlexibilityCall['id']

  constructor(world: World, id: FlexibilityCall['id']) {
    this.world = world
    this.id = id
  }

  /** Time passes, and these verifiers sign what waits for them. */
  async pass(seconds: number, verifiers: readonly number[] = [0, 1, 2]): Promise<void> {
    const at = addSeconds(this.world.clock.now(), seconds)
    await this.world.passTo(at, () => runVerifiers(this.world, verifiers))
  }

  dispute(party: DisputingParty, line = CHARGER): Promise<Dispute> {
    const words = { reason: 'delivery', text: 'it was not there' } as const
    return disputeLine(this.world.ports(), { callId: this.id, resourceId: line, party, ...words })
  }

  /** The arbiter decides on every held line, and signs what follows from it. */
  async decide(pay: (held: bigint) => bigint): Promise<void> {
    const rest = await this.rest()
    const lines = rest.lines.map(({ resourceId: id, held }) => ({
      resourceId: id,
      pay: microEur(pay(held)),
    }))
    const decision = { callId: this.id, lines, note: 'as the meter says' }
    const { version } = await decideDispute(this.world.ports(), decision)
    const statement = statementOfRest(await this.rest())
    const { arbiter } = SIMULATED_PARTIES
    await receiveAttestation(this.world.ports(), {
      subject: 'settlement',
      subjectId: this.id,
      version,
      verifier: arbiter,
      signature: simulatedSignature(arbiter, statement),
    })
  }

  call(): Promise<FlexibilityCall> {
    return this.world.store.transaction((tx) => tx.calls.lock(this.id))
  }

  rests(): Promise<HeldRest[]> {
    return this.world.store.transaction((tx) => tx.rests.list({ callId: this.id }))
  }

  async rest(): Promise<HeldRest> {
    const [rest] = await this.rests()
    if (!rest) throw new Error(`${this.id} holds nothing`)
    return rest
  }

  async lineDispute(line = CHARGER): Promise<Dispute | undefined> {
    const all = await this.world.store.transaction((tx) => tx.disputes.ofCall(this.id))
    return all.find(({ resourceId: id }) => id === line)
  }

  balance(account: string): Promise<bigint> {
    return this.world.store.transaction((tx) => tx.ledger.balance(account))
  }

  /** Database, chain events and the pool's own books agree, and the split is exact. */
  async books(): Promise<{ paid: bigint; fee: bigint; held: bigint; refund: bigint }> {
    const { reconciled, differences } = await reconcileChain(this.world.ports())
    if (!reconciled) throw new Error(differences.join('\n'))
    const events = await this.world.store.transaction((tx) => tx.chain.events())
    const sums = { paid: 0n, fee: 0n, held: 0n, refund: 0n }
    for (const event of events) {
      if (event.kind === 'RequestOpened') sums.held += event.amount
      if (event.kind === 'RequestFinalized') {
        sums.paid += event.payout
        sums.fee += event.fee
        sums.refund += event.refund
        sums.held -= event.payout + event.fee + event.refund
      }
      if (event.kind === 'RequestRefunded') {
        sums.refund += event.amount
        sums.held -= event.amount
      }
    }
    const { escrow } = await this.call()
    const { paid, fee, held, refund } = sums
    if (paid + fee + held + refund !== escrow?.terms.amount)
      throw new Error('the split is not exact')
    return sums
  }
}
