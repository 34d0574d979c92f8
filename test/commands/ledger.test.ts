import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkChainFile } from '#domain/chain-file.ts'
import { ownerId } from '#domain/ids.ts'
import { minorOfEuros } from '#domain/money.ts'
import { receiptFor, receiptText } from '#domain/receipt.ts'
import { parseBundle } from '#domain/verification.ts'
import { run as runVerify } from '#commands/verify.ts'
import { type Service, startService } from '../http/service.ts'
import { paidOnLedger } from '../support/ledger-call.ts'
import { runWord } from '../support/run-word.ts'

const cli = join(resolve(import.meta.dirname, '..', '..'), 'orchestrator', 'cli.ts')
let folder: string
let bundle: string
let books: string
/** Of that ledger. */
let service: Service

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gridcall-ledger-'))
  const saved = await paidOnLedger(folder)
  bundle = saved.bundle
  books = saved.books
  service = await startService({}, saved.store)
})
afterAll(async () => {
  await service.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function verify(...args: string[]) {
  const key = { GRIDCALL_API_KEY: service.operatorKey }
  const { code, stdout } = await runWord(runVerify, [...args, '--json'], key)
  return { code, answer: JSON.parse(stdout) }
}

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, `${content.trimEnd()}\n`)
  return path
}

/** One digit of what a transfer moved is another, and the file's own hashes do not tell. */
const changed = (id: RegExp) => {
  const found = new RegExp(`\\{"amount":"(\\d+)"[^{}]*"id":"${id.source}[^{}]*\\}`).exec(books)
  if (found === null) throw new Error(`no transfer ${id.source}`)
  const [line, amount] = found as unknown as [string, string]
  return books.replace(line, line.replace(amount, `${amount}1`))
}

describe('the saved books of a ledger', () => {
  test.each(['open:', 'payout:', 'fee:', 'back:', 'activate:', 'pay:', 'bank:'])(
    'are refused with another amount of a transfer %s',
    (kind) => {
      const differences = checkChainFile(changed(new RegExp(kind)))
      const named =
        /^(transfer \S+ against the journal|\w+ of \S+ against its transfers|what ended)/
      expect(differences).toContainEqual(expect.stringMatching(named))
    },
  )

  test('are refused without their transfers, or without a link of their journal', () => {
    const { transfers: _gone, ...without } = JSON.parse(books)
    expect(checkChainFile(JSON.stringify(without))).toContain(
      'transfers: a ledger has some, and the file has none',
    )
    const opened = /"block":1,"blockHash":"(0x\w+)"/.exec(books)?.[1] ?? ''
    const other = opened.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
    expect(checkChainFile(books.replaceAll(opened, other))).toContainEqual(
      expect.stringMatching(/^entry 1 of the journal: its hash is 0x\w+, and was /),
    )
  })

  test('are accepted by the command as they are, and name no person', async () => {
    const args = [cli, 'ledger', 'reconcile', '--offline', file('b', books), '--json']
    const asked = promisify(execFile)(process.execPath, args, { timeout: 60_000 })
    const answer = JSON.parse((await asked).stdout) // the exit code is 0, or this would throw
    expect(answer).toMatchObject({ reconciled: true, differences: [], chainId: 0 })
    expect(books).not.toMatch(/owner:|wallet:/)
  })
})

describe('gridcall verify --ledger', () => {
  const against = (saved: string) => verify(file('bundle', bundle), '--ledger', file('b', saved))

  test('finds the evidence of a call in the saved books', async () => {
    const { code, answer } = await against(books)
    expect(answer).toMatchObject({ ok: true, differences: [] })
    expect(code).toBe(0)
  })

  test('finds it at the service that keeps the ledger, with the hash of the bundle', async () => {
    const asked = await verify(file('bundle', bundle), '--ledger', service.url)
    expect(asked.answer).toMatchObject({ ok: true, differences: [] })
    const longer = JSON.parse(bundle)
    const other = bundle.replace(longer.windowStartCommitment, `0x${'7'.repeat(64)}`)
    const { code, answer } = await verify(file('other', other), '--ledger', service.url)
    expect(code).toBe(1)
    const lines = answer.differences.map(({ line }: { line: string }) => line)
    expect(lines).toContain('bundle hash on the ledger')
  })

  test('says what differs where another root was published', async () => {
    const { evidenceRoot } = /"evidenceRoot":"(?<evidenceRoot>0x\w+)"/.exec(books)?.groups ?? {}
    const other = books.replaceAll(evidenceRoot ?? '', `0x${'7'.repeat(64)}`)
    const { code, answer } = await against(other)
    expect(code).toBe(1)
    const lines = answer.differences.map(({ line }: { line: string }) => line)
    expect(lines).toContain('evidence root on the ledger')
    expect(lines).toContain('books of the ledger')
  })

  test('finds the root of an owner’s receipt, and misses it where the call is not there', async () => {
    const receipt = receiptFor(parseBundle(bundle), ownerId('owner-charger'))
    if (receipt === null) throw new Error('nothing was theirs')
    const check = (text: string) =>
      verify('--receipt', file('receipt', text), '--ledger', file('b', books))
    const found = await check(receiptText(receipt))
    expect(found.answer).toMatchObject({ ok: true, isCompared: true, differences: [] })
    const asked = await verify(
      '--receipt',
      file('receipt', receiptText(receipt)),
      '--ledger',
      service.url,
    )
    expect(asked.answer).toMatchObject({ ok: true, isCompared: true })
    const elsewhere = { ...receipt, requestId: `0x${'5'.repeat(64)}` as const }
    const { code, answer } = await check(receiptText(elsewhere))
    expect(code).toBe(1)
    expect(answer.differences).toEqual([
      {
        line: 'evidence root on the ledger',
        got: receipt.evidenceRoot,
        expected: 'nothing proposed',
      },
    ])
  })
})

describe('euros as people write them', () => {
  test.each(['', '-1', '1.5', '1.505', '1e3', '1 000', '0x1', '1.00.0', '1234567890123'])(
    '%j is refused',
    (text) => expect(() => minorOfEuros(text)).toThrow('expected euros such as 5000 or 5000.00'),
  )
  test.each([
    ['0.01', 10_000n],
    ['5000', 5_000_000_000n],
    ['0,29', 290_000n],
    ['999999999999.99', 999_999_999_999_990_000n],
  ])('%s is exact', (text, minor) => expect(minorOfEuros(text)).toBe(minor))
})
