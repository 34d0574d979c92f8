import {
  accountAt,
  agentAccount,
  aggregatorAccount,
  isPayable,
  parseBankAccount,
} from '#domain/bank-account.ts'
import { fieldError } from '#domain/errors.ts'
import type { OrganisationId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { keepAccount } from './keep-account.ts'

const MINIMUM_MOST_CENTS = 100_000n

export type AgentSettings = {
  readonly account: { readonly iban: string; readonly name: string }
  /** Whole cents that an account must hold before it is paid out; below, they are carried. */
  readonly minimumPayoutCents: bigint
}

/** From which account the agent pays, and from what amount on. @throws DomainError */
export async function setAgentAccount(
  ports: Ports,
  id: OrganisationId,
  { account, minimumPayoutCents }: AgentSettings,
): Promise<void> {
  if (minimumPayoutCents < 1n || minimumPayoutCents > MINIMUM_MOST_CENTS) {
    const expected = `1 to ${MINIMUM_MOST_CENTS} cents`
    throw fieldError('malformed', 'minimumPayoutCents', expected, minimumPayoutCents)
  }
  const parsed = parseBankAccount('account', account)
  await ports.store.transaction(async (tx) => {
    const agent = await tx.organisations.find(id)
    if (agent === null) throw fieldError('not-found', 'id', 'a registered agent', id)
    await tx.organisations.save({ ...agent, minimumPayoutCents })
    await keepAccount(ports, tx, agentAccount(id), parsed, ports.clock.now())
  })
}

/** Where an aggregator's share goes; without one it stays on its account. @throws DomainError */
export async function setAggregatorAccount(
  ports: Ports,
  id: OrganisationId,
  account: { readonly iban: string; readonly name?: string | undefined },
): Promise<void> {
  const parsed = parseBankAccount('account', account)
  await ports.store.transaction((tx) =>
    keepAccount(ports, tx, aggregatorAccount(id), parsed, ports.clock.now()),
  )
}

/** Whether the agent has named the account that pays. */
export async function hasAgentAccount(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  id: OrganisationId,
): Promise<boolean> {
  const versions = await store.transaction((tx) => tx.accounts.of(agentAccount(id)))
  return isPayable(accountAt(versions, clock.now()))
}
