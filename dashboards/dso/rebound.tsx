import type { WholeCall } from '../api.ts'
import { formatClock, formatEnergy, formatPower, formatTime } from '../format.ts'
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
  const { resources, peakW, overshootW, unreadyWh, leftWh, doneAt, periods, measured } = rebound
  const notMeasured = measured === null ? 'not yet' : 'not measured'
  return (
    <>
      <p>
        {resources} {resources === 1 ? 'device' : 'devices'},{' '}
        {doneAt === null ? 'coming back one after the other' : 'all back'}
        {/* Held back by the step limit alone: nothing was planned to be taken back. */}
        {periods.length > 0 && `; planned: at most ${formatPower(peakW)} at once`}.
      </p>
      <Measured rebound={rebound} />
      {overshootW > 0 && (
        <p class="warning">{formatPower(overshootW)} above the room: owners' limits come first.</p>
      )}
      {unreadyWh > 0 && <p>{formatEnergy(unreadyWh)} that cars lack when they leave.</p>}
      {leftWh > 0 && <p>{formatEnergy(leftWh)} not taken back in the planned time.</p>}
      <details>
        <summary>Power, period by period</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Planned at most</th>
              <th scope="col">Measured at most</th>
              <th scope="col">Room</th>
            </tr>
          </thead>
          <tbody>
            {periods.map(({ start, end, powerW, roomW, measuredW }) => (
              <tr key={start}>
                <td>
                  {formatClock(start, zone.value)}–{formatClock(end, zone.value)}
                </td>
                <td>{formatPower(powerW)}</td>
                <td>{measuredW === null ? notMeasured : formatPower(measuredW)}</td>
                <td>{roomW === null ? 'not told' : formatPower(roomW)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  )
}

/** What the meters say of it, once all are back. */
function Measured({ rebound }: { rebound: NonNullable<WholeCall['rebound']> }) {
  const { measured } = rebound
  if (measured === null) return <p class="quiet">Measured once all are back.</p>
  const { peakW, overshootW, drawnWh, baselineWh, until, unheard } = measured
  const most = peakW === null ? 'no peak is known' : `at most ${formatPower(peakW)} at once`
  const expected = baselineWh === null ? '' : `, ${formatEnergy(baselineWh)} at their baselines`
  const end = formatTime(until, zone.value)
  return (
    <>
      <p>
        Measured: {most}; {formatEnergy(drawnWh)} taken until {end}
        {expected}.
      </p>
      {overshootW === 0 && <p>The room was kept.</p>}
      {overshootW !== null && overshootW > 0 && (
        <p class="warning">{formatPower(overshootW)} above the room, measured.</p>
      )}
      {unheard > 0 && (
        <p class="quiet">
          Without {unheard} {unheard === 1 ? 'device whose' : 'devices whose'} readings are missing.
        </p>
      )}
    </>
  )
}
