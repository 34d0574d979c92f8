import { Amount } from '../shared/amount.tsx'
import { Devices } from './devices.tsx'
import { EarningsList, Receipts } from './earnings-list.tsx'
import { HowYouArePaid } from './how-you-are-paid.tsx'
import type { OwnerModel } from './model.ts'
import { PayoutNow } from './payout-now.tsx'
import { RightNow } from './right-now.tsx'
import { Statements } from '../shared/statements.tsx'
import { Why } from './why.tsx'

const DOCUMENTS = [{ name: 'What you earned and why', path: '/v1/owner/statement' }]

export function OwnerPage({ model }: { model: OwnerModel }) {
  const resources = model.resources.value
  const earnings = model.earnings.value
  return (
    <main id="main" class="single" tabIndex={-1}>
      <h1 class="unseen">Your devices and what they earned</h1>
      {resources === null || earnings === null ? (
        <p class="quiet">Reading …</p>
      ) : (
        <>
          <RightNow open={model.open.value} resources={resources} />
          <Devices model={model} resources={resources} />
          <Why decisions={model.decisions.value} resources={resources} />
          <section class="card" aria-labelledby="earned">
            <h2 id="earned">What you earned</h2>
            <p>
              <span class="figure">
                <Amount minor={earnings.totalMinor} />
              </span>{' '}
              <span class="quiet">paid or on its way</span>
            </p>
            <EarningsList model={model} earnings={earnings} resources={resources} />
          </section>
          <section class="card" aria-labelledby="payouts">
            <h2 id="payouts">What was paid out</h2>
            <Receipts earnings={earnings} />
            {model.payout.value !== null && <PayoutNow payout={model.payout.value} />}
          </section>
          {model.payout.value !== null && (
            <HowYouArePaid model={model} payout={model.payout.value} />
          )}
          <section class="card" aria-labelledby="statements">
            <h2 id="statements">Statements</h2>
            <Statements client={model.client} documents={DOCUMENTS} />
          </section>
        </>
      )}
    </main>
  )
}
