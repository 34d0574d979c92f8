import type { WholeCall } from '../api.ts'
import { formatClock, formatDuration, formatMoment } from '../format.ts'
import { businessNow, zone } from '../shared/business-time.ts'
import { nextDeadline } from './deadline.ts'
import type { DsoModel } from './model.ts'
import { shortfallOf } from './shortfall.ts'

/** What is read at a glance: what is missing, how long there is, who takes part. */
export function KeyFigures({ model, call }: { model: DsoModel; call: WholeCall }) {
  const { label, figure, of, isAbnormal } = shortfallOf(call, businessNow.value, zone.value)
  const open = call.repairs.filter(({ restoredAt }) => restoredAt === null).length
  return (
    <dl class="key-figures">
      <div class={isAbnormal ? 'card big abnormal' : 'card big'}>
        <dt>{label}</dt>
        <dd>
          <span class="figure">
            {isAbnormal && <span aria-hidden="true">▲ </span>}
            {figure ?? '–'}
          </span>
          <span class="quiet">{of}</span>
        </dd>
      </div>
      <Deadline model={model} call={call} />
      <div class="card">
        <dt>{call.state === 'offered' ? 'Devices offered' : 'Devices ordered'}</dt>
        <dd>
          <span class="figure">{call.resourcesOrdered}</span>
          <span class="quiet">
            {failures(call)}
            {open > 0 && `, ${open} not made up for`}
          </span>
        </dd>
      </div>
    </dl>
  )
}

const BEFORE: ReadonlySet<WholeCall['state']> = new Set(['requested', 'offered', 'ordered'])

function failures({ state, repairs }: WholeCall): string {
  if (BEFORE.has(state)) return 'not dispatched yet'
  return repairs.length === 0 ? 'none failed' : `${repairs.length} failed`
}

function Deadline({ model, call }: { model: DsoModel; call: WholeCall }) {
  const held = model.disputes.value?.held ?? []
  const deadline = nextDeadline(call, model.program.value, model.events.value, held)
  const now = businessNow.value
  if (deadline === null) {
    return (
      <div class="card">
        <dt>Next deadline</dt>
        <dd>
          <span class="figure">None</span>
          <span class="quiet">the call has ended</span>
        </dd>
      </div>
    )
  }
  const { what, at, otherwise } = deadline
  const left = at === null || now === null ? null : at - now
  return (
    <div class="card">
      <dt>{what}</dt>
      <dd>
        <span class="figure">
          {left === null ? '–' : left < 0 ? 'due now' : formatDuration(left)}
        </span>
        <span class="quiet">
          {at !== null && `at ${instantOf(at, left ?? 0)}`}
          {at !== null && otherwise !== '' && ', '}
          {otherwise}
        </span>
      </dd>
    </div>
  )
}

const DAY_MS = 86_400_000

/** With its day where that goes without saying no more. */
function instantOf(at: number, leftMs: number): string {
  return leftMs < DAY_MS ? formatClock(at, zone.value) : formatMoment(at, zone.value)
}
