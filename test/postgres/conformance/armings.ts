import { expect, test } from 'vitest'
import type { Arming, VoltageArming } from '#domain/arming.ts'
import { callId, resourceId } from '#domain/ids.ts'
import type { Store } from '#store-ports.ts'
import { minutes } from '../samples.ts'

const A = resourceId('charger-a')
const B = resourceId('charger-b')
const FIRST = callId('call-1')
const SECOND = callId('call-2')

export function armingTests(open: () => Store): void {
  const arming = (resource: typeof A, callOf = FIRST) => ({
    callId: callOf,
    resourceId: resource,
    droop: {
      nominalMilliHz: 50_000,
      deadBandOverMilliHz: 2_000,
      deadBandUnderMilliHz: 20,
      droopOverBp: 40,
      droopUnderBp: 40,
      responseMs: 2_000,
    },
    reservedW: 3_000,
    validFrom: minutes(0),
    validUntil: minutes(30),
    armedAt: null,
    refusal: null,
    recording: null,
  })

  test('what nobody wanted armed has no progress', async () => {
    const store = open()
    const progress = store.transaction((tx) => tx.armings.progress(FIRST, A, { refusal: 'no' }))
    await expect(progress).rejects.toThrow('call-1 wanted nothing armed on charger-a')
  })

  test('a curve is wanted once, and open until it is recorded or refused', async () => {
    const store = open()
    const ids = async () =>
      (await store.transaction((tx) => tx.armings.open([A, B]))).map((one) => {
        return `${one.resourceId} ${one.callId}`
      })
    const wanted = [arming(B), arming(A), arming(A, SECOND)]
    await store.transaction((tx) => tx.armings.want(wanted))
    await store.transaction((tx) => tx.armings.want([{ ...arming(A), reservedW: 1 }]))
    expect(await ids()).toEqual(['charger-a call-1', 'charger-a call-2', 'charger-b call-1'])
    await store.transaction((tx) => tx.armings.progress(FIRST, A, { armedAt: minutes(1) }))
    const recording = { at: [minutes(1)], frequencyMilliHz: [49_900], powerW: [-1_000] }
    await store.transaction(async (tx) => {
      await tx.armings.progress(FIRST, A, { recording })
      await tx.armings.progress(SECOND, A, { refusal: 'no' })
      await tx.armings.progress(FIRST, B, { validUntil: minutes(15) })
    })
    expect(await ids()).toEqual(['charger-b call-1'])
    expect(await store.transaction((tx) => tx.armings.open([]))).toEqual([])
    expect(await store.transaction((tx) => tx.armings.ofCall(FIRST))).toEqual([
      { ...arming(A), armedAt: minutes(1), recording },
      { ...arming(B), validUntil: minutes(15) },
    ])
  })

  test('voltage curves are kept as they are, and take no recording of the frequency', async () => {
    const store = open()
    const { droop: _, ...common } = arming(A)
    const corners = [9_200, 9_800, 10_200, 10_800].map((voltageBp, i) => {
      return { voltageBp, outputBp: [4_400, 0, 0, -4_400][i] ?? 0 }
    })
    const wanted: VoltageArming = {
      ...common,
      answers: 'voltage',
      curves: [{ kind: 'volt-var', points: corners }],
      responseMs: 5_000,
      ratedW: 5_000,
    }
    await store.transaction((tx) => tx.armings.want([wanted]))
    const taken = (recording: NonNullable<Arming['recording']>) =>
      store.transaction((tx) => tx.armings.progress(FIRST, A, { recording }))
    const of = { at: [minutes(1)], powerW: [-1_000] }
    const other = taken({ ...of, frequencyMilliHz: [49_900] })
    await expect(other).rejects.toThrow('charger-a recorded something else than it answers')
    const recording = { ...of, voltageBp: [10_480], reactiveVar: [-2_000] }
    await taken(recording)
    const kept = await store.transaction((tx) => tx.armings.ofCall(FIRST))
    expect(kept).toEqual([{ ...wanted, recording }])
  })
}
