import type { Program, WholeCall } from '../api.ts'
import { formatEnergy, formatMoment, formatPower, formatPrice, formatWindow } from '../format.ts'
import { businessNow, zone } from '../shared/business-time.ts'
import { ActivateReserve } from './activate-reserve.tsx'
import type { DsoModel } from './model.ts'

type Reserved = NonNullable<WholeCall['reserve']>

/** What stands by, what it costs, what was used of it, and a form to use it. */
export function Reserve({ model, call }: { model: DsoModel; call: WholeCall }) {
  const { reserve, activations } = call
  if (reserve === null) return null
  const program = model.program.value
  return (
    <section class="card" aria-labelledby="reserve">
      <h2 id="reserve">Standing by</h2>
      <dl class="rows">
        <div>
          <dt>Held</dt>
          <dd>{formatPower(reserve.heldW)}</dd>
        </div>
        <div>
          <dt>Until</dt>
          <dd>{formatMoment(reserve.usableUntil, zone.value)}</dd>
        </div>
        <div>
          <dt>Price of standing by</dt>
          <dd>{formatPrice(reserve.standbyMinorPerKwh)}</dd>
        </div>
        <div>
          <dt>Price once activated</dt>
          <dd>{activationPrice(reserve)}</dd>
        </div>
      </dl>
      <h3>Activations</h3>
      {activations.length === 0 ? (
        <p class="quiet">Nothing has been activated.</p>
      ) : (
        <ul class="plain">
          {activations.map((one) => (
            <Activation key={one.start} activation={one} />
          ))}
        </ul>
      )}
      {call.view === 'dso' && reserve.usableFrom !== null && program !== null && (
        <ActivateReserve key={call.id} model={model} call={call} program={ofCall(program)} />
      )}
      {reserve.usableFrom === null && <p class="quiet">{whyNot(call)}</p>}
    </section>
  )
}

function ofCall({ meteringIntervalSeconds, activationNoticeSeconds }: Program) {
  return { meteringIntervalSeconds, activationNoticeSeconds }
}

export function activationPrice({ leastMinorPerKwh, mostMinorPerKwh }: Reserved): string {
  if (leastMinorPerKwh === mostMinorPerKwh) return formatPrice(leastMinorPerKwh)
  return `${formatPrice(leastMinorPerKwh)} to ${formatPrice(mostMinorPerKwh)}`
}

function whyNot({ state, cancelledAt }: WholeCall): string {
  if (cancelledAt !== null) return 'The call was cancelled.'
  if (state === 'requested' || state === 'offered') return 'It can be activated once it is ordered.'
  return 'It can be activated no more.'
}

function Activation({ activation }: { activation: WholeCall['activations'][number] }) {
  const { start, end, powerW, orderedWh, deliveredWh } = activation
  const now = businessNow.value
  const isRunning = now !== null && Date.parse(start) <= now && now < Date.parse(end)
  const isToCome = now !== null && now < Date.parse(start)
  return (
    <li>
      <strong>{powerW === null ? 'All that is held' : formatPower(powerW)}</strong>{' '}
      {isRunning && <span class="tag tag-running">running</span>}
      {isToCome && <span class="tag">to come</span>}
      <br />
      {formatWindow({ start, end }, zone.value)}:{' '}
      {deliveredWh === null
        ? `${formatEnergy(orderedWh)} ordered, no reading yet`
        : `${formatEnergy(deliveredWh)} delivered of ${formatEnergy(orderedWh)} ordered`}
    </li>
  )
}
