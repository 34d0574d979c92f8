import { afterEach, describe, expect, it } from 'vitest'
import type { CallState, FlexibilityCall } from '#domain/flexibility-call.ts'
import { callId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { policyHash } from '#domain/payment-policy.ts'
import { builtInPolicy } from '#domain/payment-policies.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { parseBundle } from '#domain/verification.ts'
import { carriedInto } from '#lifecycle/carried-deficit.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugCharger } from '../support/simulated-call.ts'

const paymentPolicy = builtInPolicy('monthly-net') ?? aProgram().paymentPolicy
const DAY = 86_400

describe('a programme that carries signed results within the month', () => {
  let world: World
  afterEach(() => world.stop())

  async function called(): Promise<FlexibilityCall> {
    const program = aProgram({ paymentPolicy })
    world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
    await world.boot()
    const charger = aResource('charger', 'charger', 120_000n)
    await enrolAll(world, [charger], program)
    await plugCharger(world, charger, 7000)
    await world.ports().wakeUps.notify('resources')
    await world.passTo(addSeconds(WINDOW_START, -600))
    const request = aRequest([7000, 7000])
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
    return call
  }

  /** A call that ended with a signed result, written straight into the store. */
  async function ended(
    call: FlexibilityCall,
    id: string,
    at: Instant,
    deliveredWh: number,
    changes: { state?: CallState } = {},
  ) {
    await world.store.transaction((tx) =>
      tx.calls.create({
        ...call,
        ...changes,
        id: callId(`${call.id}-${id}`),
        state: changes.state ?? 'paid',
        request: { ...call.request, window: { start: at, end: addSeconds(at, 1800) } },
        settlement: {
          lines: [],
          orderedWh: 0,
          deliveredWh,
          payableWh: 0,
          deficientWh: 0,
          penalty: microEur(0n),
          payout: microEur(0n),
          fee: microEur(0n),
          held: microEur(0n),
          refund: microEur(0n),
        },
      }),
    )
  }

  it('takes in what the month’s earlier calls lost, and nothing else', async () => {
    const call = await called()
    const ago = (days: number) => addSeconds(WINDOW_START, -days * DAY)
    await ended(call, 'gain', ago(4), 500)
    await ended(call, 'loss', ago(3), -1200)
    await ended(call, 'last-month', ago(14), -9000) // 31 December
    await ended(call, 'refunded', ago(2), -9000, { state: 'refunded' })
    await ended(call, 'later', addSeconds(WINDOW_START, DAY), -9000)
    const carried = () => world.store.transaction((tx) => carriedInto(tx, call))
    expect(await carried()).toBe(-1200)
    const other = { ...call, program: aProgram() }
    expect(await world.store.transaction((tx) => carriedInto(tx, other))).toBe(0)
  })

  it('fixes it in the terms with the hash of the policy, and pays only what goes beyond', async () => {
    const call = await called()
    await ended(call, 'loss', addSeconds(WINDOW_START, -3 * DAY), -1200)
    await world.passTo(addSeconds(WINDOW_START, -240))
    await acceptAsDso(world.ports(), call.id)
    await world.passTo(addSeconds(WINDOW_START, 1920))
    const text = await world.store.transaction((tx) => tx.evidence.load(call.id, 1))
    const { terms, settlement } = parseBundle(text ?? '')
    expect(terms).toMatchObject({ carriedWh: -1200, policyHash: policyHash(paymentPolicy) })
    expect(settlement).toMatchObject({ deliveredWh: 3500, payableWh: 2300, deficientWh: 0 })
    expect(settlement.payout).toBe(276_000n) // 2.3 kWh at 0.12
  })
})
