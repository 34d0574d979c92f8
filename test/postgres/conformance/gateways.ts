import { expect, test } from 'vitest'
import { gatewayId, resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import type { Store, StoreTransaction } from '#store-ports.ts'
import { hexOf, NOW } from '../samples.ts'

const FIRST = gatewayId('gateway-1')
const SECOND = gatewayId('gateway-2')
const CHARGER = resourceId('charger')
const BATTERY = resourceId('battery')

export function gatewayTests(open: () => Store): void {
  const run = <T>(work: (tx: StoreTransaction) => Promise<T>) => open().transaction(work)
  const introduceBoth = () =>
    run(async (tx) => {
      await tx.gateways.introduce(SECOND, hexOf(2), NOW)
      await tx.gateways.introduce(FIRST, hexOf(1), NOW)
    })

  test('a name has one key for ever', async () => {
    await introduceBoth()
    await introduceBoth()
    const refused = run((tx) => tx.gateways.introduce(FIRST, hexOf(3), NOW))
    await expect(refused).rejects.toMatchObject({ code: 'duplicate' })
    const known = await run((tx) => tx.gateways.list())
    expect(known.map(({ id, publicKey }) => [id, publicKey])).toEqual([
      [FIRST, hexOf(1)],
      [SECOND, hexOf(2)],
    ])
    expect(known[0]).toMatchObject({ instance: null, seenAt: NOW, ocppUrl: null })
  })

  test('the lease counts up for the process that began last, and for no other', async () => {
    await introduceBoth()
    const later = addSeconds(NOW, 5)
    const beat = (instance: string) => run((tx) => tx.gateways.beat(FIRST, instance, later))
    expect(await beat('a')).toBe(false)
    await run((tx) => tx.gateways.begin({ id: FIRST, instance: 'a', ocppUrl: 'ws://x' }))
    const [before] = await run((tx) => tx.gateways.list())
    expect(before).toMatchObject({ instance: 'a', ocppUrl: 'ws://x', seenAt: NOW })
    expect(await beat('a')).toBe(true)
    const [after] = await run((tx) => tx.gateways.list())
    expect(after).toMatchObject({ beat: (before?.beat ?? 0) + 1, seenAt: later })
    await run((tx) => tx.gateways.begin({ id: FIRST, instance: 'b', ocppUrl: null }))
    expect(await beat('a')).toBe(false)
    expect(await beat('b')).toBe(true)
  })

  test('a device belongs to the gateway that it dialled last', async () => {
    await introduceBoth()
    const claim = (id: typeof FIRST, seconds: number) =>
      run((tx) => tx.gateways.claim(CHARGER, id, addSeconds(NOW, seconds)))
    expect(await claim(FIRST, 0)).toBe(true)
    expect(await claim(SECOND, 20)).toBe(true)
    expect(await claim(FIRST, 10)).toBe(false) // told late: the device has moved since
    expect(await claim(SECOND, 30)).toBe(true)
    const owner = { resourceId: CHARGER, gatewayId: SECOND, since: addSeconds(NOW, 20) }
    expect(await run((tx) => tx.gateways.owners())).toEqual([{ ...owner, isHeld: true }])
    expect(await run((tx) => tx.gateways.release(CHARGER, FIRST))).toBe(false)
    expect(await run((tx) => tx.gateways.release(CHARGER, SECOND))).toBe(true)
    expect(await run((tx) => tx.gateways.owners())).toEqual([{ ...owner, isHeld: false }])
  })

  test('of two that take a device over at once, one gets it', async () => {
    await introduceBoth()
    const take = (id: typeof FIRST, from: Parameters<StoreTransaction['gateways']['take']>[2]) =>
      run((tx) => tx.gateways.take(BATTERY, id, from, addSeconds(NOW, 9)))
    expect(await take(FIRST, null)).toBe(true)
    expect(await take(SECOND, null)).toBe(false)
    const [owner] = await run((tx) => tx.gateways.owners({ gatewayId: FIRST }))
    if (!owner) throw new Error('somebody holds the battery')
    expect(await take(SECOND, { ...owner, since: NOW })).toBe(false)
    expect(await take(SECOND, owner)).toBe(true)
    expect(await take(FIRST, owner)).toBe(false)
    expect(await run((tx) => tx.gateways.owners({ gatewayId: FIRST }))).toEqual([])
    expect(await run((tx) => tx.gateways.owners({ resourceIds: [BATTERY] }))).toHaveLength(1)
    expect(await run((tx) => tx.gateways.owners({ resourceIds: [CHARGER] }))).toEqual([])
  })

  test('a gateway that begins anew or leaves holds nothing, and only its own process can leave', async () => {
    await introduceBoth()
    const isHeld = async () => (await run((tx) => tx.gateways.owners())).map((o) => o.isHeld)
    const begin = (instance: string) =>
      run((tx) => tx.gateways.begin({ id: FIRST, instance, ocppUrl: null }))
    await begin('a')
    await run((tx) => tx.gateways.claim(CHARGER, FIRST, NOW))
    await run((tx) => tx.gateways.take(BATTERY, SECOND, null, NOW))
    expect(await isHeld()).toEqual([true, true])
    await begin('b')
    expect(await isHeld()).toEqual([true, false])
    await run((tx) => tx.gateways.claim(CHARGER, FIRST, NOW))
    await run((tx) => tx.gateways.leave(FIRST, 'a'))
    expect(await isHeld()).toEqual([true, true])
    await run((tx) => tx.gateways.leave(FIRST, 'b'))
    expect(await isHeld()).toEqual([true, false])
    expect((await run((tx) => tx.gateways.list()))[0]?.instance).toBeNull()
  })
}
