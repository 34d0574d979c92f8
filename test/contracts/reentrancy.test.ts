import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'

const oddPool = readFileSync(new URL('./support/OddPool.sol', import.meta.url), 'utf8')

/** What the function of this name in the test's support calls on the pool. */
function calledIn(name: string): string[] {
  const body = oddPool.split(`function ${name}(`)[1]?.split('\n  }\n')[0] ?? ''
  return [...body.matchAll(/calls\[\d+\] = abi\.encodeCall\(pool\.(\w+)/g)].map(
    ([, called]) => `${called}`,
  )
}

test('every function of a pool that changes anything is tried from inside a transfer', () => {
  const changing = flexPoolAbi
    .filter((item) => item.type === 'function')
    .filter(({ stateMutability }) => !['view', 'pure'].includes(stateMutability))
    .map(({ name }) => name)
  expect(changing).toContain('claim')
  expect([...calledIn('attacks'), ...calledIn('roleCalls')].toSorted()).toEqual(changing.toSorted())
})
