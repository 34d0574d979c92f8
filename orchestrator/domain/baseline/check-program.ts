import { whole } from '../enrolment.ts'
import { fieldError } from '../errors.ts'
import type { Program } from '../program.ts'
import { addSeconds, parseInstant } from '../time.ts'
import { faultOf } from './check-method.ts'
import { type BaselineMethod, methodHash } from './method.ts'
import { builtInMethod } from './methods.ts'
import { readUntil } from './silence.ts'

const DAY_SECONDS = 86_400

/** Refuses baselines that contradict themselves or the program. @throws DomainError */
export function checkBaselines(program: Program): void {
  checkHolidays(program.holidays ?? [])
  checkDeemedProfile(program)
  for (const field of ['chargerBaseline', 'batteryBaseline'] as const) {
    const method = program[field]
    const fault = faultOf(method, program.settlementPeriodSeconds)
    if (fault) throw fieldError('malformed', `${field}.${fault.field}`, fault.expected, fault.got)
    checkName(field, method)
    checkHasFigures(field, method, program)
    if (program.notice === 'known') checkKnownWindow(field, method, program)
  }
  const { family } = program.chargerBaseline
  if (family === 'last-reading' || family === 'same-day') {
    const expected = 'a method that has a curve when a charger is offered'
    throw fieldError('malformed', 'chargerBaseline.family', expected, family)
  }
}

/** A name that comes with Gridcall stands for its data and no other. */
function checkName(field: string, method: BaselineMethod): void {
  const built = builtInMethod(method.name, method.version) ?? builtInMethod(method.name)
  if (built === null || methodHash(built) === methodHash(method)) return
  const expected = `a name of its own for a rule that is not ${built.name} ${built.version}`
  throw fieldError('malformed', `${field}.name`, expected, `${method.name} ${method.version}`)
}

/** What the service itself does not know it cannot measure by. */
function checkHasFigures(field: string, method: BaselineMethod, program: Program): void {
  const refuse = (name: string, expected: string, got: unknown) => {
    throw fieldError('malformed', `${field}.${name}`, expected, got)
  }
  switch (method.family) {
    case 'nominated':
    case 'firm-level':
    case 'control-group':
      return refuse('family', 'a method whose figures the service has', method.family)
    case 'deemed':
      if (!program.deemedProfileW) {
        throw fieldError('malformed', 'deemedProfileW', 'W per slot of the local day', 'nothing')
      }
      return
    case 'same-day':
      if (method.after) refuse('after', 'null: evidence ends with the window', method.after)
      return
    case 'history':
    case 'state-based': {
      const pools = [method.days.pool, method.days.nonWorkingPool]
      if (pools.some((pool) => pool?.select.by === 'closest-temperature')) {
        refuse('days.pool.select.by', 'a choice without temperatures', 'closest-temperature')
      }
      return
    }
    case 'last-reading':
    case 'zero':
      return
  }
}

/**
 * Whoever knows of a window can bend what is read after that, and would be paid for it: only what
 * is read until then may count, and no adjustment without a cap.
 */
function checkKnownWindow(field: string, method: BaselineMethod, program: Program): void {
  const start = parseInstant('2026-01-01T00:00:00Z')
  const notifiedAt = addSeconds(start, -program.noticeSeconds)
  const resolutionSeconds = program.settlementPeriodSeconds
  const until = readUntil(method, { periodStarts: [start], resolutionSeconds, notifiedAt })
  if (until !== null && until > notifiedAt) {
    const expected = `readings up to ${program.noticeSeconds} s before a window that can be known`
    const got = `${method.name}, up to ${(start - until) / 1000} s before`
    throw fieldError('malformed', field, expected, got)
  }
  if (method.family === 'history' && method.adjustment?.cap === null) {
    const expected = 'a cap, since the window can be known'
    throw fieldError('malformed', `${field}.adjustment.cap`, expected, null)
  }
}

function checkHolidays(holidays: readonly string[]): void {
  holidays.forEach((date, i) => {
    const isDate = /^\d{4}-\d\d-\d\d$/.test(date) && !Number.isNaN(Date.parse(date))
    if (!isDate) throw fieldError('malformed', `holidays[${i}]`, 'a date, YYYY-MM-DD', date)
  })
}

function checkDeemedProfile({ deemedProfileW, settlementPeriodSeconds }: Program): void {
  if (!deemedProfileW) return
  const slotSeconds = DAY_SECONDS / deemedProfileW.length
  if (!Number.isSafeInteger(slotSeconds) || slotSeconds % settlementPeriodSeconds !== 0) {
    const expected = `equal slots of a day that periods of ${settlementPeriodSeconds} s fit in`
    throw fieldError('malformed', 'deemedProfileW', expected, deemedProfileW.length)
  }
  deemedProfileW.forEach((powerW, i) =>
    whole(`deemedProfileW[${i}]`, powerW, -1_000_000, 1_000_000, 'W'),
  )
}
