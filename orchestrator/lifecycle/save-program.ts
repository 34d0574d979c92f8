import { checkBaselines } from '#domain/baseline/check-program.ts'
import { canonicalJson } from '#domain/canonical.ts'
import { whole } from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import { checkDroop, type FrequencyTerms } from '#domain/frequency-response.ts'
import { checkPaymentPolicy } from '#domain/payment-policy-check.ts'
import type { Program } from '#domain/program.ts'
import { instant, localDate } from '#domain/time.ts'
import { checkVoltageTerms } from '#domain/voltage-response.ts'
import type { Ports } from '#ports.ts'

const DAY = 86_400

/**
 * Saves the rules between a DSO and everyone who delivers to it. A version, once saved, stays as
 * it is: calls refer to it. Saving the same again changes nothing. @throws DomainError
 */
export async function saveProgram(ports: Ports, program: Program): Promise<Program> {
  checkDurations(program)
  checkTimeZone(program.timeZone)
  checkMoney(program)
  checkProduct(program)
  checkTrueUp(ports, program)
  checkBaselines(program)
  checkFloors(program)
  checkStepLimit(program)
  await ports.store.transaction(async (tx) => {
    const dso = await tx.organisations.find(program.dsoId)
    if (dso?.kind !== 'dso') {
      throw fieldError('not-found', 'dsoId', 'the id of a registered DSO', program.dsoId)
    }
    const before = await tx.organisations.program(program.dsoId)
    if (before !== null && canonicalJson(before) === canonicalJson(program)) return
    if (before !== null && program.version <= before.version) {
      const expected = `a version above ${before.version}, which is in force`
      throw fieldError('duplicate', 'version', expected, program.version)
    }
    await tx.organisations.saveProgram(program)
  })
  return program
}

function checkDurations(program: Program): void {
  whole('version', program.version, 1, 1_000_000, 'numbers')
  const period = program.settlementPeriodSeconds
  whole('settlementPeriodSeconds', period, 1, DAY, 'seconds')
  whole('meteringIntervalSeconds', program.meteringIntervalSeconds, 1, period, 'seconds')
  if (period % program.meteringIntervalSeconds !== 0) {
    const expected = `a divisor of the settlement period of ${period} s`
    const got = program.meteringIntervalSeconds
    throw fieldError('malformed', 'meteringIntervalSeconds', expected, got)
  }
  whole('controlCycleSeconds', program.controlCycleSeconds, 1, period, 'seconds')
  whole('noticeSeconds', program.noticeSeconds, 0, 30 * DAY, 'seconds')
  whole('graceSeconds', program.graceSeconds, 0, 30 * DAY, 'seconds')
  whole('disputeWindowSeconds', program.disputeWindowSeconds, 0, 90 * DAY, 'seconds')
  whole('epochSeconds', program.epochSeconds, 1, 90 * DAY, 'seconds')
  whole('epochWindowSeconds', program.epochWindowSeconds, 0, 90 * DAY, 'seconds')
  whole('restartSeconds', program.restartSeconds ?? 0, 0, 3600, 'seconds')
  // Before this there is nothing to propose: the call is closed only after the grace.
  whole('settleBySeconds', program.settleBySeconds, program.graceSeconds + 1, 365 * DAY, 'seconds')
}

/** Nobody stands by for nothing; and what is never activated needs no notice. */
function checkProduct(program: Program): void {
  const { product, activationNoticeSeconds, frequency, voltage, paymentPolicy } = program
  if (product !== 'availability' && activationNoticeSeconds !== undefined) {
    const expected = 'none where the product is not availability'
    throw fieldError('malformed', 'activationNoticeSeconds', expected, activationNoticeSeconds)
  }
  if ((product === 'frequency-response') !== (frequency !== undefined)) {
    const expected = 'a droop curve where the product is frequency-response, and only there'
    throw fieldError('malformed', 'frequency', expected, frequency === undefined ? 'none' : 'one')
  }
  if (frequency) checkFrequency(frequency)
  if ((product === 'voltage-support') !== (voltage !== undefined)) {
    const expected = 'curves where the product is voltage-support, and only there'
    throw fieldError('malformed', 'voltage', expected, voltage === undefined ? 'none' : 'some')
  }
  if (voltage) checkVoltageTerms('voltage', voltage)
  if (product === undefined) return
  whole('activationNoticeSeconds', activationNoticeSeconds ?? 0, 0, DAY, 'seconds')
  if (paymentPolicy.availability.kind === 'per-kwh-ordered') return
  const expected = 'per-kwh-ordered, since availability is what the program buys'
  const got = paymentPolicy.availability.kind
  throw fieldError('malformed', 'paymentPolicy.availability', expected, got)
}

function checkFrequency({ droop, toleranceBp, longestGapMs }: FrequencyTerms): void {
  checkDroop('frequency.droop', droop)
  whole('frequency.toleranceBp', toleranceBp, 0, 5_000, 'bp')
  whole('frequency.longestGapMs', longestGapMs, 100, 60_000, 'ms')
}

/** A true-up has to be proposed, and disputed, before what is held goes back to the DSO. */
function checkTrueUp({ rail }: Ports, { paymentPolicy }: Program): void {
  const { provisionalShareBp, trueUpSeconds } = paymentPolicy
  if (provisionalShareBp >= 10_000) return
  const { heldWindowSeconds } = rail.parties
  const latest = Math.floor((heldWindowSeconds * 3) / 4)
  if (trueUpSeconds <= latest) return
  const expected = `at most ${latest} s, three quarters of the pool's held window`
  throw fieldError('malformed', 'paymentPolicy.trueUpSeconds', expected, trueUpSeconds)
}

function checkTimeZone(timeZone: string): void {
  try {
    localDate(instant(0), timeZone)
  } catch {
    throw fieldError('malformed', 'timeZone', 'an IANA time zone such as Europe/Berlin', timeZone)
  }
}

function checkFloors({ legalFloorsW }: Program): void {
  for (const [name, floorW] of Object.entries(legalFloorsW ?? {})) {
    whole(`legalFloorsW.${name}`, floorW, 0, 1_000_000, 'W')
  }
}

function checkStepLimit({ stepLimit }: Program): void {
  if (stepLimit === undefined) return
  whole('stepLimit.stepMaxW', stepLimit.stepMaxW, 1, 1_000_000_000, 'W')
  whole('stepLimit.rampMaxWPerMinute', stepLimit.rampMaxWPerMinute, 1, 1_000_000_000, 'W')
}

function checkMoney(program: Program): void {
  if (program.priceCapMax <= 0n) {
    const expected = 'a price above 0'
    throw fieldError('malformed', 'priceCapMaxMinorPerKwh', expected, program.priceCapMax)
  }
  whole('feeBp', program.feeBp, 0, 10_000, 'bp')
  whole('rotationBandBp', program.rotationBandBp ?? 0, 0, 5_000, 'bp')
  whole('toleranceW', program.toleranceW, 0, 1_000_000, 'W')
  whole('toleranceBp', program.toleranceBp, 0, 10_000, 'bp')
  // More than half held out is no call any more.
  whole('controlGroupBp', program.controlGroupBp ?? 0, 0, 5000, 'bp')
  // Rarer than once in 2,000 cannot be told from 2,000 draws.
  whole('deliveryLevelBp', program.deliveryLevelBp ?? 9500, 5000, 9990, 'bp')
  checkPaymentPolicy('paymentPolicy', program.paymentPolicy)
}
