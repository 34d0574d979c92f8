import { expect, test } from 'vitest'
import type { EmergencyStop } from '#domain/emergency-stop.ts'
import { congestionPointId, organisationId, resourceId } from '#domain/ids.ts'
import { asEnrolled } from '#domain/owner-limits.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import type { Store, StoreTransaction } from '#store-ports.ts'
import { NOW } from '../samples.ts'

const CHARGER = resourceId('charger')
const BATTERY = resourceId('battery')
const NORTH = congestionPointId('cp-north')

function aStop(id: string, seconds: number): EmergencyStop {
  const at = addSeconds(NOW, seconds)
  const by = organisationId('dso')
  return { id, congestionPointId: NORTH, at, by, reason: 'a line is down', liftedAt: null }
}

export function controlTests(open: () => Store): void {
  const run = <T>(work: (tx: StoreTransaction) => Promise<T>) => open().transaction(work)

  test('limits are there for what something was said of, the last word, by resource', async () => {
    const charger = asEnrolled({ id: CHARGER, enrolledAt: NOW })
    const battery = asEnrolled({ id: BATTERY, enrolledAt: NOW })
    const said = { ...battery, leastSocBp: basisPoints(2500) }
    await run((tx) => tx.control.saveLimits(charger))
    await run((tx) => tx.control.saveLimits(battery))
    await run((tx) => tx.control.saveLimits(said))
    const ids = [CHARGER, BATTERY, resourceId('silent')]
    expect(await run((tx) => tx.control.limits(ids))).toEqual([said, charger])
    expect(await run((tx) => tx.control.limits([]))).toEqual([])
  })

  test('stops stay, lifted ones too, the oldest first', async () => {
    const [first, second] = [aStop('b', 0), aStop('a', 60)]
    await run((tx) => tx.control.saveStop(second))
    await run((tx) => tx.control.saveStop(first))
    const lifted = { ...first, liftedAt: addSeconds(NOW, 90) }
    await run((tx) => tx.control.saveStop(lifted))
    expect(await run((tx) => tx.control.stops())).toEqual([lifted, second])
  })

  test('a congestion point has one level, none before the first', async () => {
    expect(await run((tx) => tx.control.level(NORTH))).toBeNull()
    const level = { congestionPointId: NORTH, levelW: 1500, at: NOW }
    await run((tx) => tx.control.saveLevel({ ...level, levelW: 1 }))
    await run((tx) => tx.control.saveLevel(level))
    expect(await run((tx) => tx.control.level(NORTH))).toEqual(level)
  })

  test('the lock of a point is kept until its transaction ends', async () => {
    const order: string[] = []
    const locked = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const first = run(async (tx) => {
      await tx.control.lock([NORTH])
      locked.resolve()
      await mayEnd.promise
      order.push('first')
    })
    await locked.promise
    const second = run(async (tx) => {
      await tx.control.lock([NORTH, congestionPointId('cp-south')])
      order.push('second')
    })
    mayEnd.resolve()
    await Promise.all([first, second])
    expect(order).toEqual(['first', 'second'])
  })
}
