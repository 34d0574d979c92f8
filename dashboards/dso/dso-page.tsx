import { useEffect } from 'preact/hooks'
import type { WholeCall } from '../api.ts'
import { formatWindow } from '../format.ts'
import { zone } from '../shared/business-time.ts'
import { CallList } from '../shared/call-list.tsx'
import { CallSteps } from '../shared/call-steps.tsx'
import { Corrections } from '../shared/corrections.tsx'
import { Decisions } from '../shared/decisions.tsx'
import { EventLog } from '../shared/event-log.tsx'
import { PeriodCharts } from '../shared/period-charts.tsx'
import { Repairs } from '../shared/repairs.tsx'
import { Statements } from '../shared/statements.tsx'
import { StandingStops } from '../shared/standing-stops.tsx'
import { StopControl } from '../shared/stop-control.tsx'
import { StateTag } from '../shared/state-tag.tsx'
import { DIRECTION, STATE } from '../shared/words.ts'
import { CancelCall } from './cancel-call.tsx'
import { EscrowSplit } from './escrow-split.tsx'
import { Forecast } from './forecast.tsx'
import { KeyFigures } from './key-figures.tsx'
import type { DsoModel } from './model.ts'
import { Objections } from './objections.tsx'
import { Rebound } from './rebound.tsx'
import { Reserve } from './reserve.tsx'
import { SignEscrow } from './sign-escrow.tsx'
import { Transactions, Verification } from './verification.tsx'

const DOCUMENTS = [
  { name: 'Invoice and credit note', path: '/v1/dso/invoice' },
  { name: 'Reconciliation', path: '/v1/dso/reconciliation' },
]

export function DsoPage({ model }: { model: DsoModel }) {
  const calls = model.calls.value
  const call = model.call.value
  const place = call === null ? null : model.placeName(call.congestionPointId)
  useEffect(() => {
    const told = call === null ? 'Grid operator' : `${STATE[call.state]}, ${place}`
    document.title = `${told} · Gridcall`
  }, [call?.state, place])
  return (
    <div class="split">
      <nav class="side" aria-label="Calls">
        <h2>Calls</h2>
        {calls === null ? (
          <p class="quiet">Reading …</p>
        ) : (
          <CallList calls={calls} selectedId={call?.id ?? null} placeName={model.placeName} />
        )}
      </nav>
      <main id="main" tabIndex={-1}>
        <StandingStops stops={model.stops} live={model.live} />
        {call !== null && <Call model={model} call={call} />}
        {call === null && calls !== null && <NoCall />}
        <StopControl stops={model.stops} live={model.live} mayEverywhere={false} />
        <section class="card" aria-labelledby="statements">
          <h2 id="statements">Statements</h2>
          <Statements client={model.client} documents={DOCUMENTS} />
        </section>
      </main>
    </div>
  )
}

function NoCall() {
  return (
    <div class="card">
      <h1>No call yet</h1>
      <p>
        Request flexibility with <code>POST /v1/flexibility-calls</code> (see{' '}
        <a href="/docs">the API</a>); it appears here by itself.
      </p>
    </div>
  )
}

function Call({ model, call }: { model: DsoModel; call: WholeCall }) {
  const events = model.events.value
  const notices = events.filter(({ notice }) => notice)
  return (
    <>
      <div class="title">
        <div>
          <h1>
            {DIRECTION[call.direction]} at {model.placeName(call.congestionPointId)}{' '}
            <StateTag state={call.state} />
          </h1>
          <p class="quiet">
            {formatWindow(call.window, zone.value)} · <span class="id">{call.id}</span>
          </p>
        </div>
        {call.view === 'dso' && <CancelCall key={call.id} model={model} call={call} />}
      </div>
      {call.reasons.length > 0 && <p class="warning card">{call.reasons.join('; ')}</p>}
      <CallSteps state={call.state} isCancelled={call.cancelledAt !== null} />
      <KeyFigures model={model} call={call} />
      {call.state === 'offered' && <SignEscrow call={call} />}
      <Reserve model={model} call={call} />
      <section class="card" aria-labelledby="power">
        <h2 id="power">Power</h2>
        <PeriodCharts
          key={call.id}
          call={call}
          meteringIntervalSeconds={model.program.value?.meteringIntervalSeconds ?? 30}
        />
      </section>
      <div class="pair">
        <section class="card" aria-labelledby="repairs">
          <h2 id="repairs">Repairs</h2>
          <Repairs repairs={call.repairs} />
          <h3>Told anew inside the window</h3>
          <Corrections corrections={call.corrections} />
        </section>
        <section class="card" aria-labelledby="notices">
          <h2 id="notices">Notices</h2>
          <EventLog
            events={notices}
            nothing="There are no notices."
            label="Notices, newest first"
          />
        </section>
        <section class="card" aria-labelledby="rebound">
          <h2 id="rebound">After the window</h2>
          <Rebound call={call} />
        </section>
        <section class="card" aria-labelledby="forecast">
          <h2 id="forecast">What can be held next</h2>
          <Forecast client={model.client} call={call} />
        </section>
        <section class="card" aria-labelledby="money">
          <h2 id="money">Money</h2>
          <EscrowSplit call={call} />
        </section>
        <section class="card" aria-labelledby="objections">
          <h2 id="objections">Objections and holds</h2>
          <Objections disputes={model.disputes.value} />
        </section>
        <section class="card" aria-labelledby="verification">
          <h2 id="verification">Verification</h2>
          <Verification client={model.client} call={call} />
        </section>
        <section class="card" aria-labelledby="decisions">
          <h2 id="decisions">Who was taken or left out, and why</h2>
          <Decisions decisions={model.decisions.value} />
        </section>
        <section class="card" aria-labelledby="transactions">
          <h2 id="transactions">Transactions</h2>
          <Transactions transactions={call.transactions} />
        </section>
      </div>
      <section class="card" aria-labelledby="log">
        <h2 id="log">All that happened</h2>
        <EventLog events={events} nothing="Nothing has happened yet." label="Log, newest first" />
      </section>
    </>
  )
}
