import { afterEach, describe, expect, it } from 'vitest'
import { floorDiv } from '#domain/money.ts'
import { addSeconds } from '#domain/time.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
import { aProgram, WINDOW_START } from '../support/builders.ts'
import {
  BATTERY,
  CHARGER,
  type DisputedCall,
  measuredCall,
  MEASURED,
} from '../support/disputed-call.ts'

/** 70 % at once; the rest 25 minutes later, of the hour that it may wait. */
const TRUE_UP_SECONDS = 1500
const provisional = {
  paymentPolicy: {
    ...aProgram().paymentPolicy,
    provisionalShareBp: 7000,
    trueUpSeconds: TRUE_UP_SECONDS,
  },
}
const WINDOW_END = addSeconds(WINDOW_START, 1800)

let provisionally: DisputedCall
afterEach(() => provisionally.world.stop())

describe('a provisional payment', () => {
  it('pays its share at once, and keeps the rest of every line until the true-up', async () => {
    provisionally = await measuredCall({ hasArbiter: false }, provisional)
    const { settlement } = await provisionally.call()
    const lines = settlement?.lines ?? []
    expect(lines.map(({ resourceId }) => resourceId).sort()).toEqual([BATTERY, CHARGER])
    for (const line of lines) {
      expect(line.reason).toBe('paid')
      expect(line.gross).toBe(floorDiv((line.gross + line.held) * 7000n, 10_000n))
    }
    await provisionally.pass(600)
    expect((await provisionally.rest()).state).toBe('held')
    const first = await provisionally.books()
    expect(first.paid).toBe(settlement?.payout)
    expect(first.held).toBe(settlement?.held)
  })

  it('is made whole by the true-up, to the millionth', async () => {
    provisionally = await measuredCall({ hasArbiter: false }, provisional)
    const { settlement } = await provisionally.call()
    const earned = (settlement?.lines ?? []).reduce(
      (sum, { gross, held }) => sum + gross + held,
      0n,
    )
    const toTrueUp = (WINDOW_END - MEASURED) / 1000 + TRUE_UP_SECONDS
    await provisionally.pass(toTrueUp - 60)
    expect((await provisionally.rest()).state).toBe('held')
    await provisionally.pass(1200)
    expect(await provisionally.books()).toMatchObject({ paid: earned, held: 0n })
  })

  it('is refused in a program whose true-up the pool would not wait for', async () => {
    provisionally = await measuredCall({ hasArbiter: false }, provisional)
    const paymentPolicy = { ...provisional.paymentPolicy, trueUpSeconds: 2701 }
    const late = { ...aProgram({ paymentPolicy }), version: 2 }
    await expect(saveProgram(provisionally.world.ports(), late)).rejects.toMatchObject({
      code: 'malformed',
      problems: [{ field: 'paymentPolicy.trueUpSeconds', got: '2701' }],
    })
  })
})
