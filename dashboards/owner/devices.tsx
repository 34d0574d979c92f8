import type { Limits, Resource } from '../api.ts'
import { formatClock, formatDay, formatPower, formatPrice } from '../format.ts'
import { zone } from '../shared/business-time.ts'
import { Consent } from './consent.tsx'
import { deviceName } from './device-name.ts'
import { LimitsForm } from './limits-form.tsx'
import { leadsIt } from './limits-words.ts'
import type { OwnerModel } from './model.ts'
import { TakeBack } from './take-back.tsx'

type Props = { readonly model: OwnerModel; readonly resources: readonly Resource[] }

/** What each device is, who leads it now, and what its owner allows. */
export function Devices({ model, resources }: Props) {
  const limits = model.limits.value
  return (
    <section class="card" aria-labelledby="devices">
      <h2 id="devices">Your devices</h2>
      {resources.length === 0 && <p class="quiet">None is enrolled yet.</p>}
      <ul class="plain">
        {resources.map((resource) => (
          <li key={resource.id}>
            <p>
              <strong>{deviceName(resources, resource.id)}</strong>, up to{' '}
              {formatPower(resource.rating.importMaxW)}, offered at{' '}
              {formatPrice(resource.offer.priceMinorPerKwh)}
            </p>
            <p class="quiet">{connectionOf(resource)}</p>
            <Allowed
              model={model}
              resource={resource}
              name={deviceName(resources, resource.id)}
              limits={limits.get(resource.id) ?? null}
            />
          </li>
        ))}
      </ul>
    </section>
  )
}

type AllowedProps = {
  readonly model: OwnerModel
  readonly resource: Resource
  readonly name: string
  readonly limits: Limits | null
}

function Allowed({ model, resource, name, limits }: AllowedProps) {
  if (limits === null) return null
  const { id, kind } = resource
  return (
    <>
      <p>{leadsIt(limits, zone.value, kind)}</p>
      <div class="buttons">
        {limits.consent.withdrawnAt === null && (
          <TakeBack model={model} resource={resource} name={name} limits={limits} />
        )}
        <Consent model={model} id={id} name={name} limits={limits} />
      </div>
      <details class="choose">
        <summary>What you keep of {name}</summary>
        <LimitsForm model={model} resource={resource} limits={limits} />
      </details>
    </>
  )
}

function connectionOf({ health }: Resource): string {
  if (health === null) return '○ It has never connected. Your installer can help.'
  const since = `${formatDay(health.since, zone.value)}, ${formatClock(health.since, zone.value)}`
  return health.connected ? `● Connected since ${since}` : `▲ Not reached since ${since}`
}
