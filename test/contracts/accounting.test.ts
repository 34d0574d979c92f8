import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const checker = fileURLToPath(new URL('./support/model-checker.ts', import.meta.url))
const core = readFileSync(new URL('./support/AccountingCore.sol', import.meta.url), 'utf8')

const ENDED_AFTER_MS = 120_000

/** What is proved for every sequence of calls; a child, because it can be stopped. */
async function checked(source: string): Promise<{ safe: number; unproved: number }> {
  const child = spawn(process.execPath, [checker, 'AccountingCore'], {
    timeout: ENDED_AFTER_MS,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(source)
  const messages = JSON.parse(await text(child.stdout)) as string[]
  const safe = messages.filter((each) => each.includes('Assertion violation check is safe')).length
  const asserts = source.split('\n').filter((line) => /^\s*assert\(/.test(line)).length
  return { safe, unproved: asserts - safe }
}

// With a line of money broken on purpose (say, a refund of one unit more) one proof is missing.
test('whatever is called, the books balance and no more is claimed than was allocated', async () => {
  const { safe, unproved } = await checked(core)
  console.log(`${safe} asserts safe, ${unproved} unproved`)
  expect({ safe, unproved }).toEqual({ safe: 2, unproved: 0 })
}, 150_000)
