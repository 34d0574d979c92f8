import { z } from '@hono/zod-openapi'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { MeasuredRebound } from '#domain/rebound/measured.ts'
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
      measuredW: z.int().nullable().openapi({
        description: 'The greatest mean of a metering interval; null: not measured, or not yet',
      }),
    }),
  ),
  measured: z
    .object({
      from: At,
      until: At.openapi({ description: 'Two metering intervals after the last was back' }),
      peakW: z.int().nullable(),
      overshootW: z.int().nullable().openapi({ description: 'null: no room was told' }),
      drawnWh: z.int(),
      baselineWh: z
        .int()
        .nullable()
        .openapi({ description: 'The same at the baselines of the last stretch of the window' }),
      unheard: z.int().openapi({ description: 'Resources without readings: not in these figures' }),
    })
    .nullable()
    .openapi({ description: 'By the meters; null: not all are back yet' }),
})

/** When a device comes back to its default, and how high it is held before. */
export const RestartView = z.object({
  resourceId: z.string(),
  parts: z.array(z.object({ start: At, end: At, limitW: z.int() })),
  restartsAt: At,
  backAt: At.nullable().openapi({ description: 'When it was read back at its default' }),
  drawnWh: z.int().nullable().openapi({ description: 'By its meter, until all were back' }),
  baselineWh: z.int().nullable().openapi({ description: 'What that would have been' }),
})

/** null: all devices went back at once, or the window has not ended. */
export function reboundView({ rebound }: FlexibilityCall): z.infer<typeof ReboundView> | null {
  if (rebound === undefined) return null
  const { restarts, periods, overshootW, unreadyWh, leftWh, doneAt, measured } = rebound
  return {
    resources: restarts.length,
    peakW: Math.max(0, ...periods.map(({ powerW }) => powerW)),
    overshootW,
    unreadyWh,
    leftWh,
    doneAt: atOrNull(doneAt),
    periods: periods.map(({ start, end, powerW, roomW }, t) => {
      const measuredW = measured?.periodsW[t] ?? null
      return { start: at(start), end: at(end), powerW, roomW, measuredW }
    }),
    measured: measured === undefined ? null : measuredView(measured),
  }
}

function measuredView(measured: MeasuredRebound) {
  const { from, until, peakW, overshootW, drawnWh, baselineWh, unheard } = measured
  return { from: at(from), until: at(until), peakW, overshootW, drawnWh, baselineWh, unheard }
}

/** Of these devices; null: of all. */
export function restartViews(
  { rebound }: FlexibilityCall,
  only: ReadonlySet<ResourceId> | null,
): z.infer<typeof RestartView>[] {
  const shown = (rebound?.restarts ?? []).filter((one) => only === null || only.has(one.resourceId))
  return shown.map(({ resourceId, parts, restartsAt }) => {
    const found = rebound?.measured?.devices.find((one) => one.resourceId === resourceId)
    return {
      resourceId,
      parts: parts.map(({ start, end, limitW }) => ({ start: at(start), end: at(end), limitW })),
      restartsAt: at(restartsAt),
      backAt: atOrNull(found?.backAt ?? null),
      drawnWh: found?.drawnWh ?? null,
      baselineWh: found?.baselineWh ?? null,
    }
  })
}
