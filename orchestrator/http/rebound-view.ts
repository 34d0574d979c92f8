import { z } from '@hono/zod-openapi'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { At, at, atOrNull } from './schemas.ts'

/** What a call's devices take together after its window. */
export const ReboundView = z.object({
  resources: z.int(),
  peakW: z.int(),
  overshootW: z
    .int()
    .openapi({ description: 'By which the room is passed, because cars have to be ready' }),
  unreadyWh: z.int().openapi({ description: 'What cars lack when they leave, whatever is done' }),
  leftWh: z.int().openapi({ description: 'Not taken back when the planned time is over' }),
  doneAt: At.nullable().openapi({ description: 'When the last device was back at its default' }),
  periods: z.array(
    z.object({
      start: At,
      end: At,
      powerW: z.int().openapi({ description: 'At the most' }),
      roomW: z.int().nullable().openapi({ description: 'null: the DSO did not say' }),
    }),
  ),
})

/** When a device comes back to its default, and how high it is held before. */
export const RestartView = z.object({
  resourceId: z.string(),
  parts: z.array(z.object({ start: At, end: At, limitW: z.int() })),
  restartsAt: At,
})

/** null: all devices went back at once, or the window has not ended. */
export function reboundView({ rebound }: FlexibilityCall): z.infer<typeof ReboundView> | null {
  if (rebound === undefined) return null
  const { restarts, periods, overshootW, unreadyWh, leftWh, doneAt } = rebound
  return {
    resources: restarts.length,
    peakW: Math.max(0, ...periods.map(({ powerW }) => powerW)),
    overshootW,
    unreadyWh,
    leftWh,
    doneAt: atOrNull(doneAt),
    periods: periods.map(({ start, end, powerW, roomW }) => {
      return { start: at(start), end: at(end), powerW, roomW }
    }),
  }
}

/** Of these devices; null: of all. */
export function restartViews(
  { rebound }: FlexibilityCall,
  only: ReadonlySet<ResourceId> | null,
): z.infer<typeof RestartView>[] {
  const shown = (rebound?.restarts ?? []).filter((one) => only === null || only.has(one.resourceId))
  return shown.map(({ resourceId, parts, restartsAt }) => ({
    resourceId,
    parts: parts.map(({ start, end, limitW }) => ({ start: at(start), end: at(end), limitW })),
    restartsAt: at(restartsAt),
  }))
}
