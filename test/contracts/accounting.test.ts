import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const checker = fileURLToPath(new URL('./support/model-checker.ts', import.meta.url))
const core = readFileSync(new URL('./support/AccountingCore.sol', import.meta.url), 'utf8')

/** How many assertions are proved for every sequence of calls; a child, because it can be stopped. */
async function proved(source: string): Promise<number> {
  const child = spawn(process.execPath, [checker, 'AccountingCore'], {
    timeout: 170_000,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(source)
  const messages = JSON.parse(await text(child.stdout)) as string[]
  return messages.filter((message) => message.includes('Assertion violation check is safe')).length
}

// With a line of money broken on purpose (say, a refund of one unit more) one proof is missing.
test('whatever is called, the books balance and no more is claimed than was allocated', async () => {
  expect(await proved(core)).toBe(2)
}, 180_000)
