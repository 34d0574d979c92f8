import type { CongestionPoint, EmergencyStop } from '../api.ts'
import { formatMoment } from '../format.ts'
import { announce } from './announcer.tsx'
import { zone } from './business-time.ts'
import type { Live } from './live.ts'
import { Refusal } from './refusal.tsx'
import { useSending } from './sending.ts'
import { standing, type Stops } from './stops.ts'

type Props = { readonly stops: Stops; readonly live: Live }

/** What is stopped at this moment, and how far it has come; nothing while nothing is. */
export function StandingStops({ stops, live }: Props) {
  const found = standing(stops.all.value)
  if (found.length === 0) return null
  return (
    <section class="card ask" aria-labelledby="stopped">
      <h2 id="stopped">▲ All control is stopped</h2>
      <ul class="plain">
        {found.map((stop) => (
          <li key={stop.id}>
            <Stopped stop={stop} stops={stops} live={live} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Stopped({ stop, stops, live }: Props & { readonly stop: EmergencyStop }) {
  const { isSending, refused, send } = useSending()
  const { id, congestionPointId, told, letGo } = stop
  const lift = async () => {
    const no = await send(async () => {
      await stops.client.v1['emergency-stops'][':id'].lift.$post({ param: { id }, json: {} })
      await stops.refresh()
    })
    if (no !== null) return
    announce('The emergency stop is lifted.')
    live.refreshSoon()
  }
  return (
    <>
      <p>
        <strong>{placeOf(stops.places.value, congestionPointId)}</strong> since{' '}
        {formatMoment(stop.at, zone.value)}, by {stop.by}: {stop.reason}
      </p>
      <p>
        {letGo === told ? '✓' : '▲'} {letGo} of {told} devices that were led have let go. No call is
        dispatched there.
      </p>
      <Refusal refused={refused} />
      <p>
        <button type="button" disabled={isSending} onClick={() => void lift()}>
          {isSending ? 'Lifting …' : 'Lift this stop'}
        </button>
      </p>
    </>
  )
}

function placeOf(places: readonly CongestionPoint[], id: string | null): string {
  if (id === null) return 'Everywhere'
  return places.find((place) => place.id === id)?.name ?? id
}
