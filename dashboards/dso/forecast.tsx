import { useEffect, useState } from 'preact/hooks'
import { type AvailabilityForecast, type Client, Refused, type WholeCall } from '../api.ts'
import { formatPower, formatWindow } from '../format.ts'
import { businessNow, zone } from '../shared/business-time.ts'

const DAY_MS = 86_400_000
const LEFT_OUT = 'Fewer than five devices: not shown. Fewer than nine like days: not shown.'
const KINDS = { charger: 'Chargers', battery: 'Batteries' } as const

/** What can be held there at the same time of the next day that is to come. */
export function Forecast({ client, call }: { client: Client; call: WholeCall }) {
  const [told, setTold] = useState<AvailabilityForecast | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const { congestionPointId, direction, window } = call
  const start = nextStart(Date.parse(window.start), businessNow.value)
  useEffect(() => {
    let isShown = true
    const read = async (from: number) => {
      const end = from + Date.parse(window.end) - Date.parse(window.start)
      const query = { congestionPointId, direction, start: iso(from), end: iso(end) }
      try {
        const forecast = await (await client.v1['availability-forecast'].$get({ query })).json()
        if (!isShown) return
        setProblem(null)
        setTold(forecast)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        if (isShown) setProblem(error.message)
      }
    }
    if (start !== null) void read(start)
    return () => {
      isShown = false
    }
  }, [congestionPointId, direction, start, window.end])
  if (problem !== null) return <p class="quiet">{problem}</p>
  if (told === null) return <p class="quiet">Reading the forecast …</p>
  const when = formatWindow({ start: told.start, end: told.end }, zone.value)
  if (told.classes.length === 0) {
    return (
      <p class="quiet">
        {when}: nothing is shown. {LEFT_OUT}
      </p>
    )
  }
  return (
    <>
      <p>
        {when}, for the whole window, by the readings of like days: at least P10 in nine of ten, P50
        in half, P90 in one of ten.
      </p>
      <div class="scroll" role="region" aria-label="Forecast by class" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Devices</th>
              <th scope="col">P10</th>
              <th scope="col">P50</th>
              <th scope="col">P90</th>
              <th scope="col">Days</th>
            </tr>
          </thead>
          <tbody>
            {told.classes.map(({ kind, p10W, p50W, p90W, days }) => (
              <tr key={kind}>
                <th scope="row">{KINDS[kind]}</th>
                <td>{formatPower(p10W)}</td>
                <td>{formatPower(p50W)}</td>
                <td>{formatPower(p90W)}</td>
                <td>{days}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet">{LEFT_OUT}</p>
    </>
  )
}

/** The window itself while it is to come, else as many days of 24 hours later as it takes. */
function nextStart(start: number, now: number | null): number | null {
  if (now === null) return null
  return start > now ? start : start + Math.ceil((now - start + 1) / DAY_MS) * DAY_MS
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
