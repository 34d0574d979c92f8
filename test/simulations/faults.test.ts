import { expect, test } from 'vitest'
import { type FaultCounts, Faults, rankDevices } from '#simulations/faults.ts'

const REFS = Array.from({ length: 8 }, (_, index) => `res-${index}`)
const RANKING = rankDevices(7, REFS)

function faults(counts: Partial<FaultCounts>) {
  const held = new Set<string>()
  const done: string[] = []
  const made = new Faults({ disobey: 0, silent: 0, drop: 0, ...counts }, RANKING, {
    hold: (ref, on) => void (on ? held.add(ref) : held.delete(ref)),
    disobey: (ref, until) => done.push(`disobey ${ref} ${until}`),
    fallSilent: (ref) => done.push(`silent ${ref}`),
    drop: (ref) => done.push(`drop ${ref}`),
  })
  return { made, held, done }
}

test('the ranking is the same for the same seed, whatever the order of the devices', () => {
  expect(rankDevices(7, [...REFS].reverse())).toEqual(RANKING)
  expect(rankDevices(8, REFS)).not.toEqual(RANKING)
  expect([...RANKING].sort()).toEqual(REFS)
})

test('the first of the ranking among those dispatched misbehave, whoever came first', () => {
  const { made, done } = faults({ disobey: 2, silent: 1, drop: 1 })
  const dispatched = RANKING.slice(1, 7).reverse()
  expect(dispatched.map((ref) => made.setpoint(ref, 900))).toEqual([true, ...Array(5).fill(false)])
  made.decide()
  expect(done).toEqual([
    `disobey ${RANKING[1]} 900`,
    `disobey ${RANKING[2]} 900`,
    `silent ${RANKING[3]}`,
    `drop ${RANKING[4]}`,
  ])
  expect(made.disobeyed).toEqual(RANKING.slice(1, 3))
})

test('only those who may still be among them are held, and nobody after the decision', () => {
  const { made, held } = faults({ disobey: 1 })
  made.setpoint(RANKING[4] ?? '', 900)
  expect([...held]).toEqual([RANKING[4]])
  made.setpoint(RANKING[2] ?? '', 900)
  expect([...held]).toEqual([RANKING[2]])
  made.setpoint(RANKING[6] ?? '', 900)
  expect([...held]).toEqual([RANKING[2]])
  made.decide()
  expect([...held]).toEqual([])
})

test('with no faults nobody is ever held, and later dispatches are left alone', () => {
  const { made, held, done } = faults({})
  for (const ref of RANKING) made.setpoint(ref, 900)
  expect(held.size).toBe(0)
  made.decide()
  expect(made.setpoint('res-1', 1800)).toBe(false)
  expect(done).toEqual([])
})

test('a device with two setpoints while they are gathered counts once, with the last end', () => {
  const { made, done } = faults({ disobey: 2 })
  made.setpoint('res-1', 900)
  made.setpoint('res-1', 1800)
  made.decide()
  expect(done).toEqual(['disobey res-1 1800'])
})
