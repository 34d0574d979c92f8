import type { ResourceId } from '../ids.ts'
import type { ReboundPlan } from '../rebound.ts'
import { formatInstant } from '../time.ts'

/** What became of one device after the window, in a sentence for its owner; null: nothing did. */
export function afterWindowSentence(
  plan: Pick<ReboundPlan, 'restarts'> | undefined,
  resourceId: ResourceId,
): string | null {
  const restart = plan?.restarts.find((one) => one.resourceId === resourceId)
  if (restart === undefined) return null
  const { parts, restartsAt } = restart
  if (parts.length === 0) return 'It was let go at once.'
  const held = parts.map(({ limitW }) => `${limitW} W`).join(', then ')
  return (
    `It was held at ${held} and came back at ${formatInstant(restartsAt)}, so that not all devices ` +
    'came back at once; a car that told when it leaves came before that.'
  )
}
