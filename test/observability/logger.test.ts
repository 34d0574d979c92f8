import { beforeEach, describe, expect, test } from 'vitest'
import { formatApiKey } from '#domain/api-key.ts'
import { createLog, REDACTED } from '#observability/logger.ts'

const IBAN = 'DE89370400440532013000'
const KEY = formatApiKey('dso', new Uint8Array(32).fill(3))

describe('the log', () => {
  let lines: string[]
  const last = () => JSON.parse(lines.at(-1) ?? 'null')
  const log = () => createLog({ level: 'info', role: 'api', write: (line) => lines.push(line) })
  beforeEach(() => {
    lines = []
  })

  test('hides fields that hold secrets or persons, at any depth and in lists', () => {
    for (const name of REDACTED) {
      const secret = 'do-not-show'
      const [upper, value] = [name.toUpperCase(), { [name]: secret }]
      log().info('x', { [name]: secret, [upper]: secret, a: value, b: { c: [{ d: value }] } })
    }
    expect(lines).toHaveLength(REDACTED.length)
    expect(lines.join()).not.toContain('do-not-show')
  })

  test('masks keys and account numbers wherever they stand', () => {
    log().error(`refused ${IBAN} with ${KEY}`, {
      note: `${IBAN} again`,
      error: new Error(`could not pay ${IBAN}`, { cause: KEY }),
      list: [KEY, { text: KEY }],
    })
    expect(lines.join()).not.toContain(IBAN)
    expect(lines.join()).not.toContain(KEY)
    expect(last().error.message).toBe('could not pay [account number]')
  })

  test('writes one JSON object per line, with amounts as decimal strings', () => {
    log().warn('the epoch waits', { amount: 12_345_678_901_234_567_890n, epoch: 3 })
    expect(last()).toMatchObject({
      level: 'warn',
      role: 'api',
      msg: 'the epoch waits',
      amount: '12345678901234567890',
      epoch: 3,
    })
    expect(Date.parse(last().time)).not.toBeNaN()
  })

  test('does not run away with what holds itself', () => {
    const ring: Record<string, unknown> = {}
    ring.self = ring
    log().info('round', { ring })
    expect(lines).toHaveLength(1)
  })

  test('is quiet below its level', () => {
    createLog({ level: 'error', write: (line) => lines.push(line) }).info('chatter')
    expect(lines).toEqual([])
  })
})
