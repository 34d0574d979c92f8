import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkChainFile, parseChainFile } from '#domain/chain-file.ts'
import { addSeconds } from '#domain/time.ts'
import { saveBooks } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'

let world: World
let text: string

beforeAll(async () => {
  const program = aProgram()
  world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  await world.boot()
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([2000, 2000]))
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(addSeconds(WINDOW_START, 5400), () => runVerifiers(world))
  text = await saveBooks(world.ports())
})
afterAll(() => world.stop())

/** The text with one digit of the amount that stands at a place in an event of a kind made another. */
function tampered(kind: string, field: string): string {
  const event = new RegExp(`\\{[^{}]*"kind":"${kind}"[^{}]*\\}`).exec(text)?.[0]
  const amount = event && new RegExp(`"${field}":"?(\\d+)`).exec(event)?.[1]
  if (!event || !amount) throw new Error(`no ${kind} with ${field}`)
  const digit = amount.at(-1) === '9' ? '8' : '9'
  const changed = event.replace(
    new RegExp(`("${field}":"?)${amount}`),
    `$1${amount.slice(0, -1)}${digit}`,
  )
  return text.replace(event, changed)
}

describe('the file of the books is refused, by the name of what was touched, when', () => {
  it.each([
    ['RequestOpened', 'amount', /^funded in 0x\w+ against the token's transfers: /],
    ['RequestFinalized', 'payout', /^split of 0x\w+ against its escrow: /],
    ['RequestFinalized', 'fee', /^fee of 0x\w+ against what was proposed: /],
    ['RequestFinalized', 'refund', /^split of 0x\w+ against its escrow: /],
    ['SettlementProposed', 'payoutTotal', /^payout of 0x\w+ against what was proposed: /],
    ['EpochPosted', 'newTotal', /^total of epoch 1 against what was posted: /],
    ['EpochActivated', 'total', /^total of epoch 1 against the database: /],
    ['Paid', 'amount', /^claimed by the pool against its events: /],
    ['CreditWithdrawn', 'amount', /^credits of the pool against its events: /],
    ['Transfer', 'amount', /^transfers in and out against the balance: /],
  ])('one digit of %s %s is another', (kind, field, named) => {
    const differences = checkChainFile(tampered(kind, field))
    expect(differences).toContainEqual(expect.stringMatching(named))
    expect(differences).toContainEqual(expect.stringMatching(/^events: not what was saved/))
  })

  it('any digit anywhere in it is another', () => {
    const places = [...text.matchAll(/[0-9]/g)].map(({ index }) => index)
    const step = Math.ceil(places.length / 150) // each costs a whole comparison
    for (const at of places.filter((_, i) => i % step === 0)) {
      const digit = text[at] === '1' ? '2' : '1'
      const changed = `${text.slice(0, at)}${digit}${text.slice(at + 1)}`
      let differences: string[] | null = null
      try {
        differences = checkChainFile(changed)
      } catch (error) {
        expect(String(error)).toMatch(/expected/) // the name of the format itself, or no JSON
      }
      const around = text.slice(at - 40, at + 10)
      expect(differences === null || differences.length > 0, around).toBe(true)
    }
  })

  it('an event or a posting is missing', () => {
    const paid = /\{[^{}]*"kind":"Paid"[^{}]*\},?/.exec(text)?.[0] ?? ''
    expect(checkChainFile(text.replace(paid, ''))).toContainEqual(
      expect.stringMatching(/^claimed by the pool against its events/),
    )
    const posting = /\{"account":"fee",[^{}]*\},?/.exec(text.slice(text.indexOf('"postings"')))?.[0]
    const without = checkChainFile(text.replace(posting ?? '', ''))
    expect(without).toContainEqual(expect.stringMatching(/^posting \S+ sums to -?\d+, not to 0$/))
    expect(without).toContainEqual(expect.stringMatching(/^balance of fee: /))
  })

  it('it is no such file', () => {
    expect(() => parseChainFile('hello')).toThrow('expected one JSON object as the demo saves it')
    expect(() => parseChainFile('{}')).toThrow('got no identity')
    expect(() => parseChainFile('{"format":"gridcall-chain-1"}')).toThrow('got no identity')
  })
})

it('the file of books that agree is accepted, and names no person', () => {
  expect(checkChainFile(text)).toEqual([])
  const { file } = parseChainFile(text)
  const kinds = new Set(file.events.map(({ kind }) => kind))
  expect([...kinds].sort()).toEqual(
    [
      ...new Set([
        'RequestOpened',
        'SettlementProposed',
        'RequestFinalized',
        'EpochPosted',
        'EpochActivated',
        'Paid',
        'CreditWithdrawn',
        'Transfer',
      ]),
    ].sort(),
  )
  expect(text).not.toMatch(/owner:|wallet:|iban/i)
  expect(file.balances.map(({ account }) => account)).toContain('owners')
})
