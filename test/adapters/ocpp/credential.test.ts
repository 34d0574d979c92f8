import type * as Crypto from 'node:crypto'
import { createHash } from 'node:crypto'
import { beforeEach, expect, test, vi } from 'vitest'
import { provedBy } from '#adapters/ocpp/credential.ts'
import { basic } from './wire-station.ts'
import { PASSWORD } from './world.ts'

/** How often the expensive things were done since the last reset. */
const work = vi.hoisted(() => ({ hashes: 0, comparisons: 0 }))

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof Crypto>()
  return {
    ...real,
    createHash: (...args: Parameters<typeof real.createHash>) => {
      work.hashes += 1
      return real.createHash(...args)
    },
    timingSafeEqual: (...args: Parameters<typeof real.timingSafeEqual>) => {
      work.comparisons += 1
      return real.timingSafeEqual(...args)
    },
  }
})

const isAuthorised = (...given: Parameters<typeof provedBy>) => provedBy(...given) !== null
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const stored = sha256(PASSWORD)
const another = sha256('another')

beforeEach(() => {
  Object.assign(work, { hashes: 0, comparisons: 0 })
})

/** What one judgement costs. */
function workOf(judge: () => boolean): { hashes: number; comparisons: number; verdict: boolean } {
  Object.assign(work, { hashes: 0, comparisons: 0 })
  const verdict = judge()
  return { ...work, verdict }
}

test('unknown, wrong, missing, malformed and foreign credentials cost the same work', () => {
  const wrong = basic('CP-1', 'f'.repeat(40))
  const refused = [
    workOf(() => isAuthorised('CP-1', wrong, [stored])),
    workOf(() => isAuthorised('CP-1', wrong, [])),
    workOf(() => isAuthorised('CP-1', wrong, [stored, another])),
    workOf(() => isAuthorised('CP-1', undefined, [stored])),
    workOf(() => isAuthorised('CP-1', undefined, [])),
    workOf(() => isAuthorised('CP-1', 'Bearer x', [stored])),
    workOf(() => isAuthorised('CP-1', basic('CP-2', PASSWORD), [stored])),
    workOf(() => isAuthorised('x'.repeat(49), basic('x'.repeat(49), PASSWORD), [stored])),
  ]
  expect(refused.map(({ verdict }) => verdict)).toEqual(refused.map(() => false))
  expect(new Set(refused.map((cost) => JSON.stringify(cost))).size).toBe(1)
  expect(refused[0]).toMatchObject({ hashes: 2, comparisons: 8 })
})

test('the right password costs what a wrong one does', () => {
  const right = workOf(() => isAuthorised('CP-1', basic('CP-1', PASSWORD), [stored]))
  expect(right).toEqual({ hashes: 2, comparisons: 8, verdict: true })
})

test('an empty password is nobody’s, also of a station without one', () => {
  expect(isAuthorised('CP-1', basic('CP-1', ''), [])).toBe(false)
  expect(isAuthorised('CP-1', basic('CP-1', ''), [stored])).toBe(false)
  expect(isAuthorised('CP-1', basic('CP-1', ''), ['', 'not hex'])).toBe(false)
})

test('a password may hold colons: only the first one ends the name', () => {
  expect(isAuthorised('CP-1', basic('CP-1', 'a:b::c'), [sha256('a:b::c')])).toBe(true)
})

test('with several passwords it is told which one was shown', () => {
  expect(provedBy('CP-1', basic('CP-1', PASSWORD), [another, stored])).toBe(stored)
  expect(provedBy('CP-1', basic('CP-1', 'another'), [another, stored])).toBe(another)
})
