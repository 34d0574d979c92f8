import type { WholeCall } from '../api.ts'
import { formatEnergy, formatPower, formatWindow } from '../format.ts'
import { zone } from '../shared/business-time.ts'

/**
 * What the devices take back after the window, and whether the congestion point has room for it.
 */
export function Rebound({ call }: { call: WholeCall }) {
  const { rebound, releasedAt } = call
  if (rebound === null) {
    const nothing = releasedAt === null ? 'The window has not ended yet.' : 'All went back at once.'
    return <p class="quiet">{nothing}</p>
  }
  const { resources, peakW, overshootW, unreadyWh, leftWh, doneAt, periods } = rebound
  return (
    <>
      <p>
        {resources} {resources === 1 ? 'device' : 'devices'},{' '}
        {doneAt === null ? 'coming back one after the other' : 'all back'}; at most{' '}
        {formatPower(peakW)} at once.
      </p>
      {overshootW > 0 && (
        <p class="warning">{formatPower(overshootW)} above the room: owners' limits come first.</p>
      )}
      {unreadyWh > 0 && <p>{formatEnergy(unreadyWh)} that cars lack when they leave.</p>}
      {leftWh > 0 && <p>{formatEnergy(leftWh)} not taken back in the planned time.</p>}
      <details>
        <summary>Planned power</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">At most</th>
              <th scope="col">Room</th>
            </tr>
          </thead>
          <tbody>
            {periods.map(({ start, end, powerW, roomW }) => (
              <tr key={start}>
                <td>{formatWindow({ start, end }, zone.value)}</td>
                <td>{formatPower(powerW)}</td>
                <td>{roomW === null ? 'not told' : formatPower(roomW)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  )
}
