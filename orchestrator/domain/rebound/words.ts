import type { Rebound } from '../flexibility-call.ts'
import type { ResourceId } from '../ids.ts'
import { formatInstant } from '../time.ts'

const WHY = 'a car that told when it leaves comes before that'

/**
 * What became of one device after the window, in a sentence for its owner: as planned, and once
 * there are readings what it did. null: nothing did.
 */
export function afterWindowSentence(
  rebound: Rebound | undefined,
  resourceId: ResourceId,
): string | null {
  const restart = rebound?.restarts.find((one) => one.resourceId === resourceId)
  if (rebound === undefined || restart === undefined) return null
  const { parts, restartsAt } = restart
  const drew = drewSentence(rebound, resourceId)
  if (parts.length === 0) return `It was let go at once.${drew}`
  const held = parts.map(({ limitW }) => `${limitW} W`).join(', then ')
  if (rebound.doneAt === null) {
    const planned = `It is planned to be held at ${held} and to come back at`
    const together = 'so that not all devices come back at once'
    return `${planned} ${formatInstant(restartsAt)}, ${together}; ${WHY}.`
  }
  const backAt = rebound.measured?.devices.find((one) => one.resourceId === resourceId)?.backAt
  const back = formatInstant(backAt ?? restartsAt)
  const together = 'so that not all devices came back at once'
  return `It was held at ${held} and came back at ${back}, ${together}; ${WHY}.${drew}`
}

/** Empty until it has been measured. */
function drewSentence({ measured }: Rebound, resourceId: ResourceId): string {
  if (measured === undefined) return ''
  const mine = measured.devices.find((one) => one.resourceId === resourceId)
  const span = `from ${formatInstant(measured.from)} to ${formatInstant(measured.until)}`
  if (mine === undefined) return ` What it drew ${span} is not known: readings are missing.`
  const { drawnWh, baselineWh } = mine
  const expected =
    baselineWh === null ? '' : `; at its baseline it would have been ${baselineWh} Wh`
  return ` By its meter it took ${drawnWh} Wh ${span}${expected}.`
}

/** Both, planned and measured, in a line for who ordered the call; null: all came back at once. */
export function reboundSentence(rebound: Rebound | undefined): string | null {
  if (rebound === undefined) return null
  const { periods, overshootW, measured, restarts } = rebound
  const count = `${restarts.length} ${restarts.length === 1 ? 'device' : 'devices'}`
  const plannedW = Math.max(0, ...periods.map(({ powerW }) => powerW))
  const rooms = periods.flatMap(({ roomW }) => (roomW === null ? [] : [Math.floor(roomW)]))
  const room = rooms.length === 0 ? 'the room was not told' : `least room ${Math.min(...rooms)} W`
  const passed = (powerW: number) => (powerW > 0 ? `, ${powerW} W above the room` : '')
  const planned = `${count}, planned: at most ${plannedW} W at once${passed(overshootW)}; ${room}.`
  if (measured === undefined) return `${planned} Not measured yet.`
  const { peakW, drawnWh, baselineWh, until, unheard } = measured
  const peak = peakW === null ? 'no peak is known' : `at most ${peakW} W at once`
  const expected = baselineWh === null ? '' : ` (${baselineWh} Wh at their baselines)`
  const silent = unheard > 0 ? ` Without ${unheard} whose readings are missing.` : ''
  return (
    `${planned} Measured: ${peak}${passed(measured.overshootW ?? 0)}; ${drawnWh} Wh taken until ` +
    `${formatInstant(until)}${expected}.${silent}`
  )
}
