import { useEffect } from 'preact/hooks'
import type { Money, Parties } from '../api.ts'
import { StandingStops } from '../shared/standing-stops.tsx'
import { Statements } from '../shared/statements.tsx'
import { StopControl } from '../shared/stop-control.tsx'
import { Backlog } from './backlog.tsx'
import { Balances } from './balances.tsx'
import { Bank } from './bank.tsx'
import { partiesOf } from './bank-words.ts'
import { Books } from './books.tsx'
import type { OperatorModel } from './model.ts'
import { Payouts } from './payouts.tsx'
import { Waiting } from './waiting.tsx'

export function OperatorPage({ model }: { model: OperatorModel }) {
  const money = model.money.value
  const agree = money?.books.agree ?? true
  useEffect(() => {
    document.title = agree ? 'Operator · Gridcall' : '▲ Books differ · Gridcall'
  }, [agree])
  return (
    <main id="main" class="single broad" tabIndex={-1}>
      <h1 class="unseen">The state of the money</h1>
      <StandingStops stops={model.stops} live={model.live} />
      {money === null ? <p class="quiet">Reading …</p> : <Sections model={model} money={money} />}
      <StopControl stops={model.stops} live={model.live} mayEverywhere />
    </main>
  )
}

function Sections({ model, money }: { model: OperatorModel; money: Money }) {
  const parties = model.parties.value
  const accounts = model.accounts.value
  return (
    <>
      <Books client={model.client} books={money.books} />
      <div class="pair">
        <section class="card" aria-labelledby="waiting">
          <h2 id="waiting">Waits for a decision</h2>
          <Waiting waiting={money.waiting} />
        </section>
        <section class="card" aria-labelledby="backlog">
          <h2 id="backlog">On its way</h2>
          <Backlog backlog={money.backlog} sender={money.sender} />
        </section>
      </div>
      <section class="card" aria-labelledby="payouts">
        <h2 id="payouts">Payouts</h2>
        <Payouts client={model.client} epochs={model.epochs.value} />
      </section>
      {accounts !== null && parties !== null && (
        <section class="card" aria-labelledby="bank">
          <h2 id="bank">The bank</h2>
          <Bank model={model} accounts={accounts} parties={partiesOf(parties)} />
        </section>
      )}
      <div class="pair">
        <section class="card" aria-labelledby="ledger">
          <h2 id="ledger">Where the money is</h2>
          <Balances balances={money.balances} />
        </section>
        <section class="card" aria-labelledby="statements">
          <h2 id="statements">Papers of a month</h2>
          <Statements client={model.client} documents={papersOf(parties)} />
        </section>
      </div>
    </>
  )
}

function papersOf(parties: Parties | null) {
  return (parties?.payers ?? []).flatMap(({ dsoId: id }) => {
    const place = `/v1/operator/dsos/${encodeURIComponent(id)}`
    return [
      { name: `Invoice and credit note, ${id}`, path: `${place}/invoice` },
      { name: `Reconciliation, ${id}`, path: `${place}/reconciliation` },
    ]
  })
}
