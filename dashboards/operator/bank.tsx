import type { LedgerAccount } from '../api.ts'
import { Amount } from '../shared/amount.tsx'
import { BankMovement } from './bank-movement.tsx'
import { accountOf, type Party } from './bank-words.ts'
import type { OperatorModel } from './model.ts'

type Props = {
  readonly model: OperatorModel
  readonly accounts: readonly LedgerAccount[]
  readonly parties: readonly Party[]
}

/** Where no chain holds the money: what the bank's escrow account holds, and for whom. */
export function Bank({ model, accounts, parties }: Props) {
  const bank = accounts.find(({ account }) => account === 'bank')
  const atBank = BigInt(bank?.debitsPosted ?? '0') - BigInt(bank?.creditsPosted ?? '0')
  const own = parties.map((party) => ({ party, account: accountOf(accounts, party) }))
  return (
    <div class="pair">
      <div>
        <dl class="rows">
          {own.map(({ party, account }) => (
            <div key={party.address}>
              <dt>{party.name}, free to use</dt>
              <dd>
                <Amount minor={account?.available ?? '0'} />
              </dd>
            </div>
          ))}
          <div class="total">
            <dt>On the escrow account at the bank</dt>
            <dd>
              <Amount minor={atBank.toString()} />
            </dd>
          </div>
        </dl>
        <p class="quiet note">
          What is not free to use is locked for calls or on its way to those who earned it.
        </p>
      </div>
      <BankMovement model={model} parties={parties} />
    </div>
  )
}
