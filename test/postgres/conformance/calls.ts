import { expect, test } from 'vitest'
import { callId, congestionPointId, organisationId, resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import type { Store } from '#store-ports.ts'
import { call, DSO, minutes, POINT, setpoint } from '../samples.ts'

const A = resourceId('charger-a')
const B = resourceId('charger-b')
const FIRST = callId('call-1')
const SECOND = callId('call-2')

export function callTests(open: () => Store): void {
  test('a call whose id is taken is refused, and the first one stays', async () => {
    const store = open()
    await store.transaction((tx) => tx.calls.create(call()))
    const again = store.transaction((tx) => tx.calls.create(call({ reasons: ['other'] })))
    await expect(again).rejects.toMatchObject({ code: 'duplicate' })
    expect(await store.transaction((tx) => tx.calls.find(FIRST))).toEqual(call())
  })

  test('a refused id leaves the transaction usable', async () => {
    const store = open()
    await store.transaction((tx) => tx.calls.create(call()))
    const found = await store.transaction(async (tx) => {
      await expect(tx.calls.create(call())).rejects.toMatchObject({ code: 'duplicate' })
      await tx.calls.create(call({ id: SECOND }))
      return tx.calls.list()
    })
    expect(found.map((c) => c.id)).toEqual([FIRST, SECOND])
  })

  test('an unknown call can be neither locked nor saved, and is found as null', async () => {
    const store = open()
    const lock = store.transaction((tx) => tx.calls.lock(FIRST))
    await expect(lock).rejects.toMatchObject({ code: 'not-found' })
    const save = store.transaction((tx) => tx.calls.save(call()))
    await expect(save).rejects.toMatchObject({ code: 'not-found' })
    expect(await store.transaction((tx) => tx.calls.find(FIRST))).toBeNull()
  })

  test('a call comes back exactly, its big money and the order of its keys included', async () => {
    const store = open()
    const written = call()
    await store.transaction((tx) => tx.calls.create(written))
    const read = await store.transaction((tx) => tx.calls.lock(FIRST))
    expect(read).toEqual(written)
    const text = (value: unknown) =>
      JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v))
    expect(text(read)).toBe(text(written))
  })

  test('calls are listed by state, DSO and congestion point, oldest first', async () => {
    const store = open()
    const other = organisationId('dso-south')
    const elsewhere = congestionPointId('cp-2')
    await store.transaction(async (tx) => {
      await tx.calls.create(call({ id: SECOND, requestedAt: minutes(1), state: 'offered' }))
      await tx.calls.create(call({ id: FIRST }))
      await tx.calls.create(call({ id: callId('call-3'), requestedAt: minutes(2), dsoId: other }))
      const request = { ...call().request, congestionPointId: elsewhere }
      await tx.calls.create(call({ id: callId('call-4'), requestedAt: minutes(3), request }))
    })
    const ids = async (filter?: Parameters<StoreCalls['list']>[0]) =>
      (await store.transaction((tx) => tx.calls.list(filter))).map((c) => c.id)
    expect(await ids()).toEqual(['call-1', 'call-2', 'call-3', 'call-4'])
    expect(await ids({ states: ['offered', 'paid'] })).toEqual(['call-2'])
    expect(await ids({ states: [] })).toEqual([])
    expect(await ids({ dsoId: DSO, congestionPointId: POINT })).toEqual(['call-1', 'call-2'])
    expect(await ids({ dsoId: other, congestionPointId: elsewhere })).toEqual([])
    expect(await ids({ last: 2 })).toEqual(['call-3', 'call-4'])
    expect(await ids({ dsoId: DSO, congestionPointId: POINT, last: 1 })).toEqual(['call-2'])
    expect(await ids({ last: 9 })).toHaveLength(4)
    const { start } = call().request.window
    expect(await ids({ windowsFrom: start })).toContain('call-1')
    expect(await ids({ windowsFrom: addSeconds(start, 1) })).toEqual([])
  })

  test('what is saved under the lock by many at once is added up and never lost', async () => {
    const store = open()
    await store.transaction((tx) => tx.calls.create(call({ reasons: [] })))
    const add = (reason: string) =>
      store.transaction(async (tx) => {
        const found = await tx.calls.lock(FIRST)
        await tx.calls.save({ ...found, reasons: [...found.reasons, reason] })
      })
    await Promise.all(Array.from({ length: 12 }, (_, index) => add(`reason ${index}`)))
    const after = await store.transaction((tx) => tx.calls.find(FIRST))
    expect(new Set(after?.reasons).size).toBe(12)
  })
}

type StoreCalls = Parameters<Parameters<Store['transaction']>[0]>[0]['calls']

export function promiseTests(open: () => Store): void {
  const want = (id: typeof A, minute: number, lasts = 15) => ({
    resourceId: id,
    periodStart: minutes(minute),
    periodEnd: minutes(minute + lasts),
  })

  test('what is taken is not given again, and the rest is', async () => {
    const store = open()
    await store.transaction((tx) => tx.promises.take(FIRST, [want(A, 30), want(A, 45)], 'order'))
    const second = await store.transaction((tx) =>
      tx.promises.take(SECOND, [want(A, 45), want(B, 45)], 'order'),
    )
    expect(second).toEqual([want(B, 45)])
    const own = await store.transaction((tx) => tx.promises.take(FIRST, [want(A, 30)], 'order'))
    expect(own).toEqual([])
    expect(await store.transaction((tx) => tx.promises.take(SECOND, [], 'order'))).toEqual([])
  })

  test('an instant of a resource is promised once, however two calls cut their periods', async () => {
    const store = open()
    const take = (id: typeof FIRST, ...wanted: ReturnType<typeof want>[]) =>
      store.transaction((tx) => tx.promises.take(id, wanted, 'order'))
    await take(FIRST, want(A, 30, 30))
    const inside = [want(A, 30), want(A, 45), want(A, 55, 60), want(A, 0, 120), want(A, 59, 1)]
    expect(await take(SECOND, ...inside)).toEqual([])
    const beside = [want(A, 15), want(A, 60, 5), want(B, 30, 30)]
    expect(await take(SECOND, ...beside)).toEqual(beside)
    const long = await store.transaction((tx) => tx.promises.taken([A], minutes(40), minutes(41)))
    expect(long).toEqual([{ ...want(A, 30, 30), callId: FIRST, role: 'order' }])
  })

  test('two transactions that cut their periods otherwise at once: one of them gets each instant', async () => {
    const store = open()
    const take = (id: typeof FIRST, wanted: ReturnType<typeof want>[]) =>
      store.transaction((tx) => tx.promises.take(id, wanted, 'order'))
    const given = await Promise.all([
      take(FIRST, [want(A, 0, 30), want(B, 30, 30)]),
      take(SECOND, [want(A, 15, 30), want(B, 15, 30)]),
    ])
    expect(
      given
        .flat()
        .map(({ resourceId }) => resourceId)
        .sort(),
    ).toEqual([A, B])
  })

  test('a reserve is refused to other calls and becomes an order of its own', async () => {
    const store = open()
    await store.transaction((tx) =>
      tx.promises.take(FIRST, [want(A, 30), want(A, 45), want(B, 30)], 'reserve'),
    )
    const take = (id: typeof FIRST, role: 'order' | 'reserve', ...wanted: (typeof A)[]) =>
      store.transaction((tx) =>
        tx.promises.take(
          id,
          wanted.map((one) => want(one, 30)),
          role,
        ),
      )
    expect(await take(SECOND, 'order', A, B)).toEqual([])
    expect(await take(FIRST, 'reserve', A)).toEqual([])
    expect(await take(FIRST, 'order', A)).toEqual([want(A, 30)])
    expect(await take(FIRST, 'order', A)).toEqual([])
    const taken = await store.transaction((tx) =>
      tx.promises.taken([B, A], minutes(0), minutes(99)),
    )
    expect(taken).toEqual([
      { ...want(A, 30), callId: FIRST, role: 'order' },
      { ...want(A, 45), callId: FIRST, role: 'reserve' },
      { ...want(B, 30), callId: FIRST, role: 'reserve' },
    ])
  })

  test('of an unbroken stretch each period is taken, called upon and given back by itself', async () => {
    const store = open()
    const all = [want(A, 0), want(A, 15), want(A, 30), want(A, 45), want(A, 60)]
    const now = async () =>
      (await store.transaction((tx) => tx.promises.taken([A], minutes(0), minutes(99)))).map(
        ({ callId: holder, role, ...period }) => {
          const [from, until] = [period.periodStart, period.periodEnd].map(
            (at) => (at - minutes(0)) / 60_000,
          )
          return `${holder} ${role} ${from}-${until}`
        },
      )
    const take = (id: typeof FIRST, role: 'order' | 'reserve', wanted: typeof all) =>
      store.transaction((tx) => tx.promises.take(id, wanted, role))
    await take(FIRST, 'order', [want(A, 30)])
    expect(await take(SECOND, 'reserve', all)).toEqual(all.filter((_, i) => i !== 2))
    expect(await take(SECOND, 'order', [want(A, 15, 30), want(A, 20), want(A, 15)])).toEqual([
      want(A, 15),
    ])
    expect(await now()).toEqual([
      'call-2 reserve 0-15',
      'call-2 order 15-30',
      'call-1 order 30-45',
      'call-2 reserve 45-60',
      'call-2 reserve 60-75',
    ])
    await store.transaction((tx) => tx.promises.release(SECOND, minutes(46), [A]))
    expect((await now()).at(-1)).toBe('call-2 reserve 45-60')
    const inTheMiddle = await store.transaction((tx) =>
      tx.promises.taken([A], minutes(20), minutes(31)),
    )
    expect(inTheMiddle.map(({ periodStart }) => periodStart)).toEqual([minutes(15), minutes(30)])
  })

  test('a stretch of days is promised whole', async () => {
    const store = open()
    const hours = Array.from({ length: 50 }, (_, i) => want(B, 60 * i, 60))
    await store.transaction(async (tx) => {
      expect(await tx.promises.take(FIRST, hours.toReversed(), 'order')).toHaveLength(50)
      expect(await tx.promises.taken([B], minutes(47 * 60 + 1), minutes(4000))).toHaveLength(3)
      await tx.promises.release(FIRST, minutes(25 * 60 + 1))
      expect(await tx.promises.taken([B], minutes(0), minutes(4000))).toHaveLength(26)
    })
  })

  test('the same wanted twice in one go is given once', async () => {
    const store = open()
    const given = await store.transaction((tx) =>
      tx.promises.take(FIRST, [want(B, 30), want(A, 30), want(B, 30)], 'order'),
    )
    expect(given).toEqual([want(B, 30), want(A, 30)])
  })

  test('two transactions that take the same promise at once: one of them gets it', async () => {
    const store = open()
    const wanted = [want(A, 30), want(A, 45), want(B, 30), want(B, 45)]
    const take = (id: typeof FIRST, order: typeof wanted) =>
      store.transaction((tx) => tx.promises.take(id, order, 'order'))
    const given = await Promise.all([take(FIRST, wanted), take(SECOND, wanted.toReversed())])
    const all = given.flat().map((w) => `${w.resourceId} ${w.periodStart}`)
    expect(all.length).toBe(4)
    expect(new Set(all).size).toBe(4)
  })

  test('a transaction that fails gives back what it took', async () => {
    const store = open()
    const failing = store.transaction(async (tx) => {
      await tx.promises.take(FIRST, [want(A, 30)], 'order')
      throw new Error('crash')
    })
    await expect(failing).rejects.toThrow('crash')
    const given = await store.transaction((tx) => tx.promises.take(SECOND, [want(A, 30)], 'order'))
    expect(given).toEqual([want(A, 30)])
  })

  test('taken tells the promises of some resources in a half-open span', async () => {
    const store = open()
    const wanted = [want(B, 45), want(A, 60), want(A, 30), want(A, 45)]
    await store.transaction((tx) => tx.promises.take(FIRST, wanted, 'order'))
    const taken = await store.transaction((tx) =>
      tx.promises.taken([A, B], minutes(30), minutes(60)),
    )
    expect(taken).toEqual(
      [want(A, 30), want(A, 45), want(B, 45)].map((w) => ({ ...w, callId: FIRST, role: 'order' })),
    )
    const none = await store.transaction((tx) => tx.promises.taken([], minutes(0), minutes(99)))
    expect(none).toEqual([])
  })

  test('release frees what lies at or after an instant, of that call and those resources', async () => {
    const store = open()
    const left = async () =>
      (await store.transaction((tx) => tx.promises.taken([A, B], minutes(0), minutes(99)))).map(
        (p) => `${p.callId} ${p.resourceId} ${(p.periodStart - minutes(0)) / 60_000}`,
      )
    await store.transaction(async (tx) => {
      await tx.promises.take(FIRST, [want(A, 30), want(A, 45), want(B, 45)], 'order')
      await tx.promises.take(SECOND, [want(B, 60)], 'order')
      await tx.promises.release(FIRST, minutes(45), [A])
    })
    expect(await left()).toEqual([
      'call-1 charger-a 30',
      'call-1 charger-b 45',
      'call-2 charger-b 60',
    ])
    await store.transaction((tx) => tx.promises.release(FIRST, minutes(31)))
    expect(await left()).toEqual(['call-1 charger-a 30', 'call-2 charger-b 60'])
  })

  test('allocations at one congestion point follow each other', async () => {
    const store = open()
    await store.transaction((tx) => tx.calls.create(call({ reasons: [] })))
    const allocate = (name: string) =>
      store.transaction(async (tx) => {
        await tx.promises.lockCongestionPoint(POINT)
        const before = await tx.calls.find(FIRST)
        if (before === null) throw new Error('no call')
        await tx.calls.save({ ...before, reasons: [...before.reasons, name] })
      })
    await Promise.all(Array.from({ length: 6 }, (_, index) => allocate(`allocation ${index}`)))
    const after = await store.transaction((tx) => tx.calls.find(FIRST))
    expect(after?.reasons.length).toBe(6)
  })
}

export function setpointTests(open: () => Store): void {
  test('progress of a setpoint that was never ordered is refused', async () => {
    const store = open()
    const progress = store.transaction((tx) => tx.setpoints.progress(A, 1, { refusal: 'no' }))
    await expect(progress).rejects.toThrow('no setpoint 1 was ordered for charger-a')
  })

  test('versions count up per resource over all calls, also within one order', async () => {
    const store = open()
    const rows = await store.transaction((tx) =>
      tx.setpoints.order([
        setpoint({ resourceId: A }),
        setpoint({ resourceId: B }),
        setpoint({ resourceId: A, powerW: null }),
      ]),
    )
    expect(rows.map((r) => [r.resourceId, r.version])).toEqual([
      [A, 1],
      [B, 1],
      [A, 2],
    ])
    expect(rows[0]).toEqual({
      ...setpoint({ resourceId: A }),
      version: 1,
      acknowledgedAt: null,
      effectiveAt: null,
      effectiveW: null,
      refusal: null,
      strategy: null,
      observedAt: null,
      observedW: null,
    })
    const next = await store.transaction((tx) =>
      tx.setpoints.order([setpoint({ resourceId: A, callId: SECOND })]),
    )
    expect(next[0]?.version).toBe(3)
    expect(await store.transaction((tx) => tx.setpoints.order([]))).toEqual([])
  })

  test('two orders for one device at once get two versions', async () => {
    const store = open()
    const order = () => store.transaction((tx) => tx.setpoints.order([setpoint({ resourceId: A })]))
    const rows = (await Promise.all(Array.from({ length: 8 }, order))).flat()
    expect(rows.map((r) => r.version).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('current is the newest row of each resource; ofCall and ofResource tell all of one', async () => {
    const store = open()
    await store.transaction(async (tx) => {
      await tx.setpoints.order([setpoint({ resourceId: B }), setpoint({ resourceId: A })])
      await tx.setpoints.order([setpoint({ resourceId: A, callId: SECOND, powerW: 1380 })])
    })
    const shown = (rows: { resourceId: string; version: number }[]) =>
      rows.map((r) => `${r.resourceId} ${r.version}`)
    await store.transaction(async (tx) => {
      expect(shown(await tx.setpoints.current())).toEqual(['charger-a 2', 'charger-b 1'])
      expect(shown(await tx.setpoints.current([B]))).toEqual(['charger-b 1'])
      expect(shown(await tx.setpoints.current([]))).toEqual([])
      expect(shown(await tx.setpoints.ofCall(FIRST))).toEqual(['charger-b 1', 'charger-a 1'])
      expect(await tx.setpoints.ofCall(callId('call-9'))).toEqual([])
      expect(shown(await tx.setpoints.ofResource(A, 9))).toEqual(['charger-a 2', 'charger-a 1'])
      expect(shown(await tx.setpoints.ofResource(A, 1))).toEqual(['charger-a 2'])
      expect(await tx.setpoints.ofResource(resourceId('charger-z'), 9)).toEqual([])
    })
  })

  test('progress adds what became known; a null leaves what is there', async () => {
    const store = open()
    await store.transaction(async (tx) => {
      await tx.setpoints.order([setpoint({ resourceId: A })])
      await tx.setpoints.progress(A, 1, { acknowledgedAt: minutes(31), effectiveW: 1379.9 })
      await tx.setpoints.progress(A, 1, { acknowledgedAt: null, effectiveAt: minutes(32) })
      await tx.setpoints.progress(A, 1, {})
    })
    const [row] = await store.transaction((tx) => tx.setpoints.current([A]))
    expect(row).toMatchObject({
      acknowledgedAt: minutes(31),
      effectiveAt: minutes(32),
      effectiveW: 1379.9,
      refusal: null,
      strategy: null,
      observedAt: null,
      observedW: null,
    })
  })
}
