import type { BaselineMethod } from '#domain/baseline/method.ts'
import { BUILT_IN_METHODS } from '#domain/baseline/methods.ts'
import { type Accuracy, accuracyOf, type Run, runMethod } from './accuracy.ts'
import { refused } from './csv-table.ts'
import { type DayWindow, inputFor, type Placebos, placebosOf, type Trial } from './placebo.ts'
import { STUDIED_METHODS } from './studied-methods.ts'

/** One method in one window. */
export type MethodStudy = {
  readonly method: BaselineMethod
  readonly run: Run
  /** null: it refused every window. */
  readonly accuracy: Accuracy | null
}

/** Every method in one window, in the order of the list. */
export type WindowStudy = {
  readonly window: DayWindow
  readonly placebos: Placebos
  readonly methods: readonly MethodStudy[]
}

/** All methods that a file of readings is enough for: the built-in ones first, then the grid. */
export function methodsFor(names: readonly string[]): BaselineMethod[] {
  const all = [...BUILT_IN_METHODS, ...STUDIED_METHODS]
  if (names.length === 0) return all.filter(isFromReadings)
  return names.map((name) => {
    const found = all.find((method) => method.name === name)
    if (found !== undefined && (isFromReadings(found) || found.family === 'zero')) return found
    const known = all.filter(isFromReadings).map((method) => method.name)
    throw refused('--methods', `names out of ${known.join(', ')}, zero`, name)
  })
}

function isFromReadings(method: BaselineMethod): boolean {
  if (method.family !== 'history') {
    return ['state-based', 'same-day', 'last-reading'].includes(method.family)
  }
  const { pool, nonWorkingPool } = method.days
  return ![pool, nonWorkingPool].some((one) => one?.select.by === 'closest-temperature')
}

/** @throws DomainError when the file has no placebo window at all */
export function studyWindow(
  trial: Trial,
  window: DayWindow,
  methods: readonly BaselineMethod[],
): WindowStudy {
  const placebos = placebosOf(trial, window)
  if (placebos.windows.length === 0) {
    const missing = placebos.incompleteDays
    throw refused(
      window.name,
      `a working day after ${trial.firstDay} days of history, with every interval`,
      missing.length === 0
        ? 'none'
        : `none; ${missing.length} days have a missing interval: ${missing.slice(0, 5).join(', ')}`,
    )
  }
  const inputOf = (placebo: Placebos['windows'][number]) =>
    inputFor(trial, placebo, placebos.history)
  return {
    window,
    placebos,
    methods: methods.map((method) => {
      const run = runMethod(method, placebos.windows, inputOf)
      return { method, run, accuracy: accuracyOf(run.outcomes) }
    }),
  }
}

/** Ours: the fleet's shape of like days at its own level right before the window. */
export function isStateBased({ method }: MethodStudy): boolean {
  return method.family === 'state-based'
}

/** The method of rule books with the least error; the state-based ones are not among them. */
export function bestStandard({ methods }: WindowStudy): MethodStudy | null {
  return best(methods.filter((study) => !isStateBased(study)))
}

/** The least error among the methods that say something to most windows: others had it easier. */
export function best(methods: readonly MethodStudy[]): MethodStudy | null {
  const most = Math.max(0, ...methods.map(({ run }) => run.outcomes.length))
  const counted = methods.filter(({ accuracy, run }) => {
    return accuracy !== null && run.outcomes.length === most
  })
  return counted.reduce<MethodStudy | null>(
    (least, study) => (least === null || errorOf(study) < errorOf(least) ? study : least),
    null,
  )
}

function errorOf({ accuracy }: MethodStudy): number {
  return accuracy?.rrmsePercent ?? Number.POSITIVE_INFINITY
}
