import type { AggregatorCall, Resource } from '../api.ts'
import { formatClock, formatDay, formatPower, formatPrice } from '../format.ts'
import { businessNow, zone } from '../shared/business-time.ts'
import { KIND, PROTOCOL } from '../shared/words.ts'
import { DeviceTruth } from './device-truth.tsx'
import type { AggregatorModel } from './model.ts'
import { OfferForm } from './offer-form.tsx'

type Props = {
  readonly model: AggregatorModel
  readonly resources: readonly Resource[]
  readonly open: readonly AggregatorCall[]
  readonly placeName: (congestionPointId: string) => string
}

/** Every resource: is it there, and what does it do now. Those with trouble come first. */
export function Resources({ model, resources, open, placeName }: Props) {
  const connected = resources.filter(({ health }) => health?.connected === true).length
  const away = resources.length - connected
  const ordered = [...resources].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))
  return (
    <section class="card" aria-labelledby="resources">
      <h2 id="resources">Resources</h2>
      <p>
        <strong>{connected}</strong> of {resources.length} connected
        {away > 0 && (
          <span class="warning">
            , <span aria-hidden="true">▲ </span>
            {away} not
          </span>
        )}
        .
      </p>
      <div class="scroll tall" role="region" aria-label="All resources" tabIndex={0}>
        <ul class="resources">
          {ordered.map((resource) => (
            <li key={resource.id}>
              <p>
                <strong>{resource.id}</strong>
                <span class="quiet below">
                  {KIND[resource.kind]} over {PROTOCOL[resource.connection.protocol]} at{' '}
                  {placeName(resource.congestionPointId)}, asks for{' '}
                  {formatPrice(resource.offer.priceMinorPerKwh)}
                </span>
              </p>
              <p>
                <Health resource={resource} />
              </p>
              <p>
                <Part resource={resource} open={open} />
              </p>
              <DeviceTruth resource={resource} />
              <OfferForm model={model} resource={resource} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}

function rank({ health }: Resource): number {
  return health === null ? 1 : health.connected ? 2 : 0
}

function Health({ resource: { health, connection } }: { resource: Resource }) {
  if (health === null) {
    const untrusted = connection.protocol === 'opcua' ? connection.presentedThumbprint : null
    return (
      <span class="warning">
        <span aria-hidden="true">○ </span>Never connected
        {untrusted !== null && (
          <span class="quiet below">shows a certificate not trusted yet: {untrusted}</span>
        )}
      </span>
    )
  }
  const since = `${formatDay(health.since, zone.value)}, ${formatClock(health.since, zone.value)}`
  const today = businessNow.value !== null && isSameDay(health.since, businessNow.value)
  const told = today ? formatClock(health.since, zone.value) : since
  if (health.connected) {
    return (
      <>
        <span aria-hidden="true">● </span>Connected <span class="quiet">since {told}</span>
      </>
    )
  }
  return (
    <span class="warning">
      <span aria-hidden="true">▲ </span>Away since {told}
      {health.detail !== '' && <span class="quiet below">{health.detail}</span>}
    </span>
  )
}

function isSameDay(at: string, now: number): boolean {
  return formatDay(at, zone.value) === formatDay(now, zone.value)
}

/** What a resource is asked for now, or will be in the next window. */
function Part({ resource, open }: { resource: Resource; open: readonly AggregatorCall[] }) {
  const now = businessNow.value ?? 0
  for (const call of open) {
    const mine = call.allocations.find(({ resourceId }) => resourceId === resource.id)
    if (mine === undefined) continue
    const failed = call.repairs.find(({ resourceId }) => resourceId === resource.id)
    if (failed !== undefined) {
      return (
        <span class="warning">
          <span aria-hidden="true">▲ </span>Failed at {formatClock(failed.detectedAt, zone.value)}
        </span>
      )
    }
    const period = mine.periods.find(({ end }) => Date.parse(end) > now)
    if (period === undefined || mine.releasedAt !== null) continue
    const isNow = Date.parse(period.start) <= now
    return (
      <>
        {formatPower(period.powerW)}{' '}
        <span class="quiet">
          {isNow
            ? `until ${formatClock(period.end, zone.value)}`
            : `from ${formatClock(period.start, zone.value)}`}
          {mine.role === 'repair' && ', as a replacement'}
        </span>
      </>
    )
  }
  return <span class="quiet">In no call now</span>
}
