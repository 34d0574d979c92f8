import type { EvidenceBundle } from '#domain/evidence.ts'
import { ownerId } from '#domain/ids.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle } from '#domain/verification.ts'
import { disputeLine } from '#lifecycle/dispute-line.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../../../support/builders.ts'
import { AGGREGATOR } from '../../../support/disputed-call.ts'
import { plugBattery, plugCharger, runVerifiers } from '../../../support/simulated-call.ts'

/** What a call leaves behind: its evidence, and the payout epochs that count it. */
export type EvidenceFile = {
  /** The text of every version, in order: as it was sent to the verifiers. */
  readonly texts: readonly string[]
  readonly bundles: readonly EvidenceBundle[]
  /** Oldest first. */
  readonly epochs: readonly PayoutEpoch[]
}

const OBEYS = aResource('charger', 'charger', 120_001n)
const IGNORES = aResource('deaf', 'charger', 150_007n)
const BATTERY = aResource('battery', 'battery', 200_003n)
const WALLET = '0x00000000000000000000000000000000000000a7'

/**
 * A simulated call whose money goes every way there is: one charger obeys, one does not, and of
 * what was delivered 70 % is paid at once and the rest by a true-up, but for a line that a party
 * disputes. Prices are odd, so that every division leaves dust.
 */
export async function liveThroughCall(): Promise<EvidenceFile> {
  const { paymentPolicy } = aProgram()
  const program = aProgram({
    paymentPolicy: { ...paymentPolicy, provisionalShareBp: 7000, trueUpSeconds: 1500 },
  })
  const start = addSeconds(WINDOW_START, -1200)
  const world = createWorld({ start, ...program, heldWindowSeconds: 3600, hasArbiter: false })
  try {
    await world.boot()
    await enrolAll(world, [OBEYS, IGNORES, BATTERY], program)
    await world.store.transaction((tx) =>
      tx.resources.saveOwner({
        id: ownerId('owner-battery'),
        aggregatorId: BATTERY.aggregatorId,
        payout: { kind: 'wallet', address: WALLET },
      }),
    )
    await plugCharger(world, OBEYS, 7000)
    await plugCharger(world, IGNORES, 5000, { disobeys: true })
    plugBattery(world, BATTERY)
    await world.ports().wakeUps.notify('resources')
    await world.passTo(addSeconds(WINDOW_START, -600))
    const request = aRequest([13_100, 13_100])
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
    await world.passTo(addSeconds(WINDOW_START, -240))
    await acceptAsDso(world.ports(), call.id)
    const signed = async (seconds: number) =>
      world.passTo(addSeconds(WINDOW_START, seconds), () => runVerifiers(world))
    await signed(2010)
    const words = { reason: 'delivery', text: 'it was not there' } as const
    const line = { callId: call.id, resourceId: OBEYS.id, party: AGGREGATOR, ...words }
    await disputeLine(world.ports(), line)
    await signed(5400)
    return await world.store.transaction(async (tx) => {
      const texts: string[] = []
      for (let version = 1; ; version += 1) {
        const text = await tx.evidence.load(call.id, version)
        if (text === null) break
        texts.push(text)
      }
      const epochs = (await tx.payouts.list()).toReversed()
      return { texts, bundles: texts.map(parseBundle), epochs }
    })
  } finally {
    await world.stop()
  }
}
