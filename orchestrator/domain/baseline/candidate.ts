import type { Hex } from '../ids.ts'
import type { Program } from '../program.ts'
import type { Rating, ResourceKind } from '../resource.ts'
import type { Instant } from '../time.ts'
import { computeBaseline, computeShape } from './engine.ts'
import { type Fraction, fraction, halfEven, times } from './fraction.ts'
import type { BaselineInput, BaselineResult, DroppedDay, EnergySeries } from './input.ts'
import { type BaselineMethod, methodHash } from './method.ts'
import type { Shape } from './shape.ts'

/** Which data measures a resource: the terms name it by its hash. */
export type MethodReference = {
  readonly name: string
  readonly version: number
  readonly hash: Hex
}

export function referenceOf(method: BaselineMethod): MethodReference {
  return { name: method.name, version: method.version, hash: methodHash(method) }
}

/** Which method a device class is measured by: its program says so. */
export function methodFor(program: Program, kind: ResourceKind): BaselineMethod {
  return kind === 'charger' ? program.chargerBaseline : program.batteryBaseline
}

/** What was known of a resource's baseline when its call was ordered, and why no more. */
export type CandidateBaseline = Shape & {
  /** Local dates on which it was called before: told here, since nobody else could know. */
  readonly callDays: readonly string[]
  readonly dropped: readonly DroppedDay[]
  readonly refused: {
    readonly reason: string
    readonly expected: string
    readonly got: string
  } | null
}

/** Of a method that reads the call's own day only: there is nothing yet, and nothing wrong. */
export const READ_AS_WINDOW_BEGINS: CandidateBaseline = {
  energies: [],
  level: null,
  callDays: [],
  daysUsed: [],
  dropped: [],
  refused: null,
}

type Refused = Extract<BaselineResult, { kind: 'refused' }>

/** The facts that a program fixes for every resource in a window. */
export function windowInput(
  program: Program,
  periodStarts: readonly Instant[],
): Omit<BaselineInput, 'history'> {
  const { timeZone, settlementPeriodSeconds, holidays = [], deemedProfileW } = program
  return {
    timeZone,
    resolutionSeconds: settlementPeriodSeconds,
    periodStarts,
    notifiedAt: notifiedAt(program, periodStarts[0] as Instant),
    holidays: new Set(holidays),
    ...(deemedProfileW ? { deemed: { profileW: deemedProfileW, count: 1 } } : {}),
  }
}

/** Where a window is announced, its gate closure is when everybody may know of it. */
function notifiedAt(program: Program, start: Instant): Instant | null {
  const known = start - program.noticeSeconds * 1000
  return program.notice === 'known' ? (known as Instant) : null
}

/** A resource's baseline as far as it can be known before its window begins. */
export function orderBaseline(
  method: BaselineMethod,
  window: Omit<BaselineInput, 'history'>,
  rating: Pick<Rating, 'exportMaxW'>,
  history: EnergySeries,
  callDays: ReadonlySet<string>,
): CandidateBaseline {
  const input = { ...window, history, callDays, signed: rating.exportMaxW > 0 }
  switch (method.family) {
    case 'history':
    case 'state-based': {
      const found = computeShape(method, input)
      const known = { ...READ_AS_WINDOW_BEGINS, callDays: [...callDays].sort() }
      if (found.kind === 'refused') return { ...known, ...nothing(found) }
      const { energies, level, daysUsed, dropped } = found
      return { ...known, energies, level, daysUsed, dropped }
    }
    case 'same-day':
    case 'last-reading':
      return READ_AS_WINDOW_BEGINS
    case 'zero':
    case 'nominated':
    case 'deemed':
    case 'firm-level':
    case 'control-group': {
      const found = computeBaseline(method, input)
      if (found.kind === 'refused') return { ...READ_AS_WINDOW_BEGINS, ...nothing(found) }
      const energies = found.periods.map(({ numerator, denominator }) => ({
        numerator,
        denominator,
      }))
      return { ...READ_AS_WINDOW_BEGINS, energies }
    }
  }
}

function nothing({ reason, expected, got, dropped }: Refused) {
  return { dropped, refused: { reason, expected, got } }
}

/** Energy of a whole period as mean power, whole W, rounded half-even. */
export function meanPower(energy: Fraction, seconds: number): number {
  return Number(halfEven(times(energy, fraction(3600, seconds))))
}
