import { expect, test } from 'vitest'
import type { Attestation, Refusal } from '#domain/evidence.ts'
import { callId, gatewayId, organisationId, ownerId, resourceId } from '#domain/ids.ts'
import type { Store } from '#store-ports.ts'
import { businessEvent, DSO, hexOf, minutes, NOW, reading } from '../samples.ts'

const A = resourceId('charger-a')
const B = resourceId('battery-b')
const CALL = callId('call-1')

export function readingTests(open: () => Store): void {
  test('the first reading of a resource and instant stays, whatever comes later', async () => {
    const store = open()
    const append = (...rows: Parameters<typeof reading>[0][]) =>
      store.transaction((tx) => tx.readings.append(rows.map((fields) => reading(fields))))
    expect(await append()).toBe(0)
    expect(await append({ resourceId: A, registerWh: 1 }, { resourceId: A, registerWh: 2 })).toBe(1)
    expect(await append({ resourceId: A, registerWh: 3 }, { resourceId: B, powerW: null })).toBe(1)
    const found = await store.transaction((tx) => tx.readings.between([A, B], NOW, NOW))
    expect(found.map((r) => [r.resourceId, r.registerWh, r.powerW])).toEqual([
      [B, 12_345, null],
      [A, 1, 7200],
    ])
  })

  test('a reading comes back as it went in', async () => {
    const store = open()
    const written = reading({ powerW: -4200, registerWh: -7, socBp: 5512, quality: 'imported' })
    await store.transaction((tx) => tx.readings.append([written]))
    const found = await store.transaction((tx) =>
      tx.readings.between([written.resourceId], NOW, NOW),
    )
    expect(found).toEqual([written])
  })

  test('the same batch from many at once is stored once', async () => {
    const store = open()
    const batch = Array.from({ length: 50 }, (_, index) =>
      reading({ resourceId: index % 2 === 0 ? A : B, at: minutes(index), sequence: index }),
    )
    const counts = await Promise.all(
      [batch, batch.toReversed(), batch, batch.toReversed()].map((rows) =>
        store.transaction((tx) => tx.readings.append(rows)),
      ),
    )
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(50)
  })

  test('readings of a failed transaction are gone with everything else', async () => {
    const store = open()
    const failing = store.transaction(async (tx) => {
      await tx.readings.append([reading({ resourceId: A })])
      await tx.events.append([businessEvent()])
      throw new Error('crash')
    })
    await expect(failing).rejects.toThrow('crash')
    await store.transaction(async (tx) => {
      expect(await tx.readings.between([A], minutes(-99), minutes(99))).toEqual([])
      expect(await tx.events.after(0, 10)).toEqual([])
    })
  })

  test('between includes both ends, ordered by resource and instant', async () => {
    const store = open()
    await store.transaction((tx) =>
      tx.readings.append(
        [3, 1, 2, 0].flatMap((minute) => [
          reading({ resourceId: B, at: minutes(minute) }),
          reading({ resourceId: A, at: minutes(minute) }),
        ]),
      ),
    )
    const found = await store.transaction((tx) =>
      tx.readings.between([A, B], minutes(1), minutes(2)),
    )
    expect(found.map((r) => `${r.resourceId} ${(r.at - NOW) / 60_000}`)).toEqual([
      'battery-b 1',
      'battery-b 2',
      'charger-a 1',
      'charger-a 2',
    ])
    expect(await store.transaction((tx) => tx.readings.between([], NOW, NOW))).toEqual([])
  })

  test('registersAt are the registers at these instants, where there is a reading', async () => {
    const store = open()
    await store.transaction((tx) =>
      tx.readings.append([
        reading({ resourceId: A, at: minutes(1), registerWh: 10 }),
        reading({ resourceId: A, at: minutes(2), registerWh: 20 }),
        reading({ resourceId: B, at: minutes(2), registerWh: 30 }),
        reading({ resourceId: B, at: minutes(4), registerWh: 40 }),
      ]),
    )
    const at = async (ids: (typeof A)[], ...when: number[]) =>
      (await store.transaction((tx) => tx.readings.registersAt(ids, when.map(minutes)))).map(
        (r) => `${r.resourceId} ${(r.at - NOW) / 60_000} ${r.registerWh}`,
      )
    expect(await at([A, B], 2, 3)).toEqual(['battery-b 2 30', 'charger-a 2 20'])
    expect(await at([A], 1, 2, 4)).toEqual(['charger-a 1 10', 'charger-a 2 20'])
    expect(await at([], 1)).toEqual([])
    expect(await at([A])).toEqual([])
  })

  test('lastBefore is the last reading at or before an instant, where there is one', async () => {
    const store = open()
    await store.transaction((tx) =>
      tx.readings.append([
        reading({ resourceId: A, at: minutes(1) }),
        reading({ resourceId: A, at: minutes(5) }),
        reading({ resourceId: B, at: minutes(6) }),
      ]),
    )
    const at = async (minute: number) =>
      (await store.transaction((tx) => tx.readings.lastBefore([A, B], minutes(minute)))).map(
        (r) => `${r.resourceId} ${(r.at - NOW) / 60_000}`,
      )
    expect(await at(0)).toEqual([])
    expect(await at(4)).toEqual(['charger-a 1'])
    expect(await at(6)).toEqual(['battery-b 6', 'charger-a 5'])
  })

  test('chainHeads is the highest sequence of each resource at one gateway', async () => {
    const store = open()
    const other = gatewayId('gateway-2')
    await store.transaction((tx) =>
      tx.readings.append([
        reading({ resourceId: A, at: minutes(9), sequence: 0, hash: hexOf(10) }),
        reading({ resourceId: A, at: minutes(3), sequence: 1, hash: hexOf(11) }),
        reading({ resourceId: A, at: minutes(4), sequence: 7, hash: hexOf(12), gatewayId: other }),
        reading({ resourceId: B, at: minutes(3), sequence: 0, hash: hexOf(13) }),
      ]),
    )
    const heads = await store.transaction((tx) => tx.readings.chainHeads(gatewayId('gateway-1')))
    expect(heads).toEqual([
      { resourceId: B, sequence: 0, hash: hexOf(13) },
      { resourceId: A, sequence: 1, hash: hexOf(11) },
    ])
    const none = await store.transaction((tx) => tx.readings.chainHeads(gatewayId('gateway-3')))
    expect(none).toEqual([])
  })

  test('a signed record is kept once and to the byte, and found by what it speaks of', async () => {
    const store = open()
    const record = (resourceId: typeof A, minute: number, text: string, hash: number) => ({
      resourceId,
      hash: hexOf(hash),
      text,
      at: minutes(minute),
      receivedAt: minutes(20),
      gatewayId: gatewayId('gateway-1'),
    })
    const odd = 'OCMF|{ "RV" : 1.50,\t"RV":"\\u00e9" }|{}'
    const first = record(A, 15, odd, 2)
    const rows = [
      first,
      record(A, 15, 'OCMF|{}|{}', 1),
      record(B, 15, odd, 2),
      record(A, 30, odd, 3),
    ]
    const append = (records: typeof rows) =>
      store.transaction((tx) => tx.signedRecords.append(records))
    expect(await append([])).toBe(0)
    expect(await append(rows)).toBe(4)
    expect(await append([first, { ...first, receivedAt: minutes(99) }])).toBe(0)
    const found = await store.transaction((tx) =>
      tx.signedRecords.between([A], minutes(15), minutes(29)),
    )
    expect(found).toEqual([rows[1], first])
  })

  test('a session keeps what was known, and is found while it runs', async () => {
    const store = open()
    const begun = {
      resourceId: A,
      startedAt: minutes(0),
      endedAt: null,
      energyNeededWh: 8000,
      departureAt: null,
      startRegisterWh: 120,
    }
    await store.transaction(async (tx) => {
      await tx.sessions.save(begun)
      await tx.sessions.save({ ...begun, energyNeededWh: null, departureAt: minutes(600) })
    })
    const at = (minute: number) =>
      store.transaction((tx) => tx.sessions.at([A, B], minutes(minute)))
    expect(await at(-1)).toEqual([])
    expect(await at(0)).toEqual([{ ...begun, departureAt: minutes(600) }])
    await store.transaction((tx) => tx.sessions.save({ ...begun, endedAt: minutes(10) }))
    expect((await at(9)).length).toBe(1)
    expect(await at(10)).toEqual([])
  })
}

export function evidenceTests(open: () => Store): void {
  test('evidence is never overwritten; the same bytes again are allowed', async () => {
    const store = open()
    const save = (bundle: string) => store.transaction((tx) => tx.evidence.save(CALL, 1, bundle))
    await save('{"a":1}')
    await save('{"a":1}')
    await expect(save('{"a":2}')).rejects.toThrow('already there with other bytes')
    await store.transaction(async (tx) => {
      expect(await tx.evidence.load(CALL, 1)).toBe('{"a":1}')
      expect(await tx.evidence.load(CALL, 2)).toBeNull()
    })
  })

  test('the first attestation of each verifier stays, however its address is written', async () => {
    const store = open()
    const word: Attestation = {
      subject: 'settlement',
      subjectId: CALL,
      version: 1,
      verifier: '0xABcd000000000000000000000000000000000001',
      signature: hexOf(1, 65),
    }
    const lower: Attestation = {
      ...word,
      verifier: '0xabcd000000000000000000000000000000000001',
      signature: hexOf(2, 65),
    }
    const next: Attestation = { ...word, verifier: hexOf(9, 20) }
    const again: Attestation = { ...word, version: 2 }
    const refusal: Refusal = {
      subject: 'settlement',
      subjectId: CALL,
      version: 1,
      verifier: hexOf(7, 20),
      line: 'charger-a',
      expected: '12 Wh',
      got: '13 Wh',
    }
    await store.transaction(async (tx) => {
      for (const each of [word, lower, next, again]) await tx.attestations.save(each)
      await tx.attestations.refuse(refusal)
      await tx.attestations.refuse({ ...refusal, line: 'battery-b' })
    })
    await store.transaction(async (tx) => {
      expect(await tx.attestations.of('settlement', CALL)).toEqual([word, next, again])
      expect(await tx.attestations.of('epoch', CALL)).toEqual([])
      expect(await tx.attestations.refusals('settlement', CALL)).toEqual([refusal])
    })
  })
}

export function eventTests(open: () => Store): void {
  test('events are numbered from 1 without a gap and come back as they went in', async () => {
    const store = open()
    const first = businessEvent({ ownerId: ownerId('owner-1'), notice: true })
    const second = businessEvent({
      callId: null,
      resourceId: A,
      organisationIds: [DSO, organisationId('agg-a')],
      data: {},
    })
    await store.transaction((tx) => tx.events.append([first, second]))
    await store.transaction((tx) => tx.events.append([]))
    await store.transaction((tx) => tx.events.append([first]))
    await store.transaction(async (tx) => {
      expect(await tx.events.after(0, 10)).toEqual([
        { ...first, sequence: 1 },
        { ...second, sequence: 2 },
        { ...first, sequence: 3 },
      ])
      expect((await tx.events.after(1, 1)).map((e) => e.sequence)).toEqual([2])
      expect(await tx.events.after(3, 10)).toEqual([])
      expect((await tx.events.ofCall(CALL)).map((e) => e.sequence)).toEqual([1, 3])
    })
  })

  test('a transaction sees the events that it wrote itself', async () => {
    const store = open()
    const seen = await store.transaction(async (tx) => {
      await tx.events.append([businessEvent()])
      const before = await tx.events.ofCall(CALL)
      await tx.events.append([businessEvent({ kind: 'call-offered' })])
      return [before.length, (await tx.events.after(0, 10)).map((e) => e.kind)]
    })
    expect(seen).toEqual([1, ['call-requested', 'call-offered']])
  })

  test('a reader that goes on after the last number never misses an event', async () => {
    const store = open()
    const writers = Array.from({ length: 20 }, (_, index) =>
      store.transaction(async (tx) => {
        await tx.events.append([businessEvent({ message: `event ${index}` })])
        await tx.readings.append([reading({ at: minutes(index) })]) // some work in between
      }),
    )
    const seen: number[] = []
    const read = async () => {
      const events = await store.transaction((tx) => tx.events.after(seen.at(-1) ?? 0, 3))
      seen.push(...events.map((e) => e.sequence))
    }
    const written = Promise.all(writers)
    for (let round = 0; round < 10; round++) await read()
    await written
    while (seen.length < 20) await read()
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })
}
