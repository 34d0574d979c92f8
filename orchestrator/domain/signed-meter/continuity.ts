import type { Instant } from '../time.ts'
import type { OcmfRecord, SignedReading } from './ocmf.ts'

/** What keeps a row of signed records from proving what a meter counted. */
export type RecordFaultCode =
  | 'unreadable'
  | 'signature-invalid'
  | 'cannot-be-verified'
  | 'no-key'
  | 'another-meter'
  | 'no-pagination'
  | 'pagination-gap'
  | 'pagination-repeated'
  | 'register-falls'
  | 'status-not-good'
  | 'energy-error'
  | 'time-error'
  | 'time-unknown'
  | 'values-unusable'
  | 'begin-without-end'
  | 'end-without-begin'

export type RecordFault = {
  readonly code: RecordFaultCode
  /** Which record of the row, from 0. */
  readonly record: number
  readonly detail: string
}

/** The meter whose records are expected; null: whatever the first one names. */
export type Continuity = {
  readonly meterSerial: string | null
  /** A transaction may still be open at the end of the row. */
  readonly mayEndOpen: boolean
}

/**
 * Do records belong together, with none missing? One meter, pages one by one, registers that never
 * fall, begins paired with ends, states and clocks that can be used. The rules are those of OCMF
 * 1.3.1 and of the S.A.F.E. transparency software. The same record twice counts once. Signatures
 * are another matter. Records in the order of their pages.
 */
export function continuityFaults(
  records: readonly OcmfRecord[],
  { meterSerial, mayEndOpen }: Continuity,
): RecordFault[] {
  const faults: RecordFault[] = []
  const seen = new Set<string>()
  const state = startState(meterSerial)
  records.forEach((record, i) => {
    if (seen.has(record.text)) return
    seen.add(record.text)
    const add = (code: RecordFaultCode, detail: string) => faults.push({ code, record: i, detail })
    checkMeter(record, state, add)
    checkPage(record, state, add)
    for (const reading of record.readings) checkReading(reading, state, add)
  })
  if (state.beganAt !== null && !mayEndOpen) {
    const detail = 'a transaction begins and no record ends it'
    faults.push({ code: 'begin-without-end', record: records.length - 1, detail })
  }
  return faults
}

type Add = (code: RecordFaultCode, detail: string) => void

type State = {
  meterSerial: string | null
  readonly pages: Map<string, number>
  readonly registers: Map<string, number>
  beganAt: Instant | null
  endedAt: Instant | null
}

function startState(meterSerial: string | null): State {
  return { meterSerial, pages: new Map(), registers: new Map(), beganAt: null, endedAt: null }
}

function checkMeter(record: OcmfRecord, state: State, add: Add): void {
  state.meterSerial ??= record.meterSerial
  if (record.meterSerial !== state.meterSerial) {
    add('another-meter', `expected meter ${state.meterSerial}, got ${record.meterSerial}`)
  }
}

function checkPage({ pagination }: OcmfRecord, state: State, add: Add): void {
  if (pagination === null) return add('no-pagination', 'the record has no page number')
  const { counter, page } = pagination
  const before = state.pages.get(counter)
  state.pages.set(counter, page)
  if (before === undefined || page === before + 1) return
  if (page === before) return add('pagination-repeated', `two records are ${counter} page ${page}`)
  add('pagination-gap', `expected ${counter} page ${before + 1}, got ${page}`)
}

function checkReading(reading: SignedReading, state: State, add: Add): void {
  const { register, registerMilliWh, mark } = reading
  checkUsable(reading, add)
  if (mark === 'begin') {
    // Several registers of one moment each carry the mark: the first of them begins it.
    if (state.beganAt !== reading.at) begin(state, reading, add)
  }
  if (register !== null) {
    const before = state.registers.get(register)
    if (before !== undefined && registerMilliWh < before) {
      add('register-falls', `${register} fell from ${before} to ${registerMilliWh} mWh`)
    }
    state.registers.set(register, registerMilliWh)
  }
  if (mark === 'end') {
    const isKnown = state.beganAt !== null || state.endedAt === reading.at
    if (!isKnown) add('end-without-begin', 'a transaction ends that no record began')
    state.beganAt = null
    state.endedAt = reading.at
  }
}

function begin(state: State, reading: SignedReading, add: Add): void {
  if (state.beganAt !== null) add('begin-without-end', 'a transaction begins within another one')
  state.beganAt = reading.at
  state.registers.delete('transaction-import')
  state.registers.delete('transaction-export')
}

function checkUsable(reading: SignedReading, add: Add): void {
  const { status, hasEnergyError, hasTimeError, timeStatus, mark } = reading
  if (status !== 'G') add('status-not-good', `the meter's state is ${status.slice(0, 4)}`)
  if (hasEnergyError) add('energy-error', 'the meter marks the energy as unusable')
  if (hasTimeError) add('time-error', 'the meter marks its time as unusable')
  if (timeStatus === 'unknown') add('time-unknown', "the meter's clock was never set")
  if (mark === 'exception')
    add('values-unusable', 'the meter marks the values from here as unusable')
}
