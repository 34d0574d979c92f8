import type { Resource } from '../api.ts'
import { formatClock, formatDay, formatPower, formatPrice } from '../format.ts'
import { zone } from '../shared/business-time.ts'
import { deviceName } from './device-name.ts'

export function Devices({ resources }: { resources: readonly Resource[] }) {
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
          </li>
        ))}
      </ul>
    </section>
  )
}

function connectionOf({ health }: Resource): string {
  if (health === null) return '○ It has never connected. Your installer can help.'
  const since = `${formatDay(health.since, zone.value)}, ${formatClock(health.since, zone.value)}`
  return health.connected ? `● Connected since ${since}` : `▲ Not reached since ${since}`
}
