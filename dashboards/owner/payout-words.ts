import { DomainError } from '#domain/errors.ts'
import { parseIban } from '#domain/iban.ts'
import type { Payout } from '../api.ts'
import { formatCents, formatMoment } from '../format.ts'

/** Where the money goes now, in a sentence without a number of an account. */
export function whereItGoes({ payout, account }: Payout): string {
  if (payout.kind === 'wallet') return 'Your money goes to a wallet of your own.'
  switch (account) {
    case 'named':
      return 'Your money goes to your bank account. The payout agent sends it.'
    case 'refused':
      return 'Your bank sent a payment back. Name an account that takes it.'
    case 'erased':
      return 'Your account number was erased. What you earn is kept until you name an account.'
    default:
      return 'No bank account of yours is known yet. What you earn is kept until you name one.'
  }
}

/** From which amount on money is sent. */
export function leastAtOnce({ minimumPayoutCents, payout }: Payout): string {
  if (payout.kind === 'wallet') return 'Every amount is sent.'
  const least = formatCents(minimumPayoutCents)
  return `Amounts of ${least} and more are sent; less is kept and goes with a later payout.`
}

/** When a change that is made now counts. */
export function whenItCounts(payout: Payout): string {
  return isFirst(payout)
    ? 'Your first account counts at once.'
    : 'A change counts after 48 hours, for payouts that begin then. Whoever gets hold of your key ' +
        'cannot take your money before you have noticed.'
}

/** Nobody was ever paid there: there is nothing to protect. */
function isFirst({ account, accountFrom, payout }: Payout): boolean {
  return account === 'none' && accountFrom === null && payout.kind === 'agent'
}

/** What was announced: where the money goes to, and from when on; null: nothing. */
export function announcedChange(payout: Payout, zone: string): string | null {
  const { announced, accountFrom } = payout
  const from = announced?.from ?? accountFrom
  if (from === null) return null
  const to = announced?.payout.kind === 'wallet' ? 'another wallet' : 'another bank account'
  return `From ${formatMoment(from, zone)} on your money goes to ${to}.`
}

/** What was announced can be taken back only where something counts that can stay. */
export function canStay({ payout, account }: Payout): boolean {
  return payout.kind === 'wallet' || account === 'named'
}

/** What is wrong with an account number, for somebody who has a bank card in hand; null: nothing. */
export function ibanProblem(text: string): string | null {
  if (text.trim() === '') return 'Type the number of your account.'
  try {
    parseIban(text, 'iban')
    return null
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return inPlainWords(error.problems[0]?.expected ?? '')
  }
}

function inPlainWords(expected: string): string {
  const length = /^(\d+) characters for ([A-Z]{2})$/.exec(expected)
  if (length !== null) {
    return `A number that begins with ${length[2]} has ${length[1]} letters and digits; count again.`
  }
  if (expected.startsWith('check digits')) {
    return 'This number cannot be right: a letter or digit is wrong, or two are swapped. Compare it with your bank card.'
  }
  if (expected.startsWith('the code of a country')) {
    return 'No country’s account numbers begin with these two letters.'
  }
  return 'An account number (IBAN) begins with two letters and two digits, such as NL91.'
}

/** What is wrong with a wallet's address; null: nothing. */
export function walletProblem(text: string): string | null {
  const isAddress = /^0x[0-9a-fA-F]{40}$/.test(text.trim())
  return isAddress ? null : 'An address is 0x and 40 more characters, 0 to 9 and a to f.'
}
