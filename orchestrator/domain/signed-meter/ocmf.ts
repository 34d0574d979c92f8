import { type Instant, parseInstant } from '../time.ts'

/** How far the meter's own clock may be believed (OCMF 1.3.1, reading TM). */
export type TimeStatus = 'synchronised' | 'informative' | 'relative' | 'unknown'

/** Where in a charging transaction a reading was taken; null in fiscal records. */
export type TransactionMark = 'begin' | 'charging' | 'exception' | 'end' | 'suspended' | 'tariff'

/** One signed register. */
export type SignedReading = {
  readonly at: Instant
  readonly timeStatus: TimeStatus
  readonly mark: TransactionMark | null
  /** Which register it is; null: none of active energy (a duration, a power). */
  readonly register: 'import' | 'export' | 'transaction-import' | 'transaction-export' | null
  /** What it says in whole mWh: meters write kWh with up to six decimals. 0 where there is none. */
  readonly registerMilliWh: number
  /** G is good; anything else is not to be billed. */
  readonly status: string
  readonly hasEnergyError: boolean
  readonly hasTimeError: boolean
}

/** One record of the Open Charge Metering Format, taken apart but never written anew. */
export type OcmfRecord = {
  /** As it came, to the byte. */
  readonly text: string
  /** The bytes that are signed: what stands between the two bars. */
  readonly payload: string
  readonly signature: {
    readonly algorithm: string
    readonly encoding: 'hex' | 'base64'
    readonly data: string
  }
  /** The meter's serial number, or its gateway's where the record leaves the meter's out. */
  readonly meterSerial: string | null
  /** Does it say who charged? Then it is for the owner, not for others. */
  readonly namesDriver: boolean
  readonly pagination: { readonly counter: 'transaction' | 'fiscal'; readonly page: number } | null
  readonly readings: readonly SignedReading[]
}

/** The default since OCMF 0.4. */
const DEFAULT_ALGORITHM = 'ECDSA-secp256r1-SHA256'
/** A record is some hundred bytes to some kB; more is no meter's. */
const LENGTH_MAX = 100_000
const READINGS_MAX = 1000

type Fields = Readonly<Record<string, unknown>>

/**
 * Takes a record apart (OCMF 1.3.1 of S.A.F.E. e.V.). Fields that a reading leaves out are those of
 * the reading before. Nothing is said about the signature here.
 * @throws SyntaxError that names the field, what was expected and what came
 */
export function parseOcmf(text: string): OcmfRecord {
  if (text.length > LENGTH_MAX) throw wrong('record', `at most ${LENGTH_MAX} characters`, text)
  const trimmed = text.trim()
  const first = trimmed.indexOf('|')
  const last = trimmed.lastIndexOf('|')
  if (trimmed.slice(0, first) !== 'OCMF' || last <= first) {
    throw wrong('record', 'OCMF|payload|signature', text)
  }
  const payload = trimmed.slice(first + 1, last)
  const fields = jsonObject('payload', payload)
  return {
    text: trimmed,
    payload,
    signature: signatureOf(jsonObject('signature', trimmed.slice(last + 1))),
    meterSerial: textOf(fields['MS']) ?? textOf(fields['GS']),
    namesDriver: textOf(fields['ID']) !== null,
    pagination: paginationOf(fields['PG']),
    readings: readingsOf(fields['RD']),
  }
}

function jsonObject(field: string, text: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong(field, 'JSON', text)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(field, 'a JSON object', text)
  }
  return value as Fields
}

function signatureOf(fields: Fields): OcmfRecord['signature'] {
  const data = fields['SD']
  if (typeof data !== 'string' || data === '') throw wrong('SD', 'signature data', data)
  const encoding = fields['SE'] ?? 'hex'
  if (encoding !== 'hex' && encoding !== 'base64') throw wrong('SE', 'hex or base64', encoding)
  return { algorithm: textOf(fields['SA']) ?? DEFAULT_ALGORITHM, encoding, data }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

function paginationOf(value: unknown): OcmfRecord['pagination'] {
  if (value === undefined || value === '') return null
  const found = typeof value === 'string' ? /^([TF])(\d{1,15})$/.exec(value) : null
  if (!found) throw wrong('PG', 'T or F and a number', value)
  return { counter: found[1] === 'T' ? 'transaction' : 'fiscal', page: Number(found[2]) }
}

function readingsOf(value: unknown): SignedReading[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong('RD', 'a list of readings', value)
  if (value.length > READINGS_MAX) {
    throw wrong('RD', `at most ${READINGS_MAX} readings`, `${value.length}`)
  }
  let before: Fields = {}
  return value.map((one: unknown, i) => {
    if (typeof one !== 'object' || one === null) throw wrong(`RD[${i}]`, 'an object', one)
    before = { ...before, ...(one as Fields) }
    return readingOf(`RD[${i}]`, before)
  })
}

function readingOf(field: string, fields: Fields): SignedReading {
  const errors = textOf(fields['EF']) ?? ''
  const register = registerOf(fields['RI'])
  return {
    ...timeOf(`${field}.TM`, fields['TM']),
    mark: markOf(`${field}.TX`, fields['TX']),
    register,
    registerMilliWh: register === null ? 0 : energyOf(field, fields['RV'], fields['RU']),
    status: textOf(fields['ST']) ?? 'G',
    hasEnergyError: errors.includes('E'),
    hasTimeError: errors.includes('t'),
  }
}

const TIME_STATUS: Readonly<Record<string, TimeStatus>> = {
  S: 'synchronised',
  I: 'informative',
  R: 'relative',
  U: 'unknown',
}

/** `2018-07-24T13:22:04,000+0200 S`: a comma, an offset without a colon and a letter. */
function timeOf(field: string, value: unknown): Pick<SignedReading, 'at' | 'timeStatus'> {
  const expected = 'a time like 2018-07-24T13:22:04,000+0200 S'
  const found =
    typeof value === 'string'
      ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[,.](\d{3})([+-]\d\d)(\d\d) ([SIRU])$/.exec(value)
      : null
  if (!found) throw wrong(field, expected, value)
  const [, local, milliseconds, hours, minutes, letter] = found
  try {
    const at = parseInstant(`${local}.${milliseconds}${hours}:${minutes}`)
    return { at, timeStatus: TIME_STATUS[letter as string] as TimeStatus }
  } catch {
    throw wrong(field, expected, value)
  }
}

const MARKS: Readonly<Record<string, TransactionMark>> = {
  B: 'begin',
  C: 'charging',
  X: 'exception',
  S: 'suspended',
  T: 'tariff',
  // Five ways to end: by itself, locally, remotely, aborted, power failure.
  E: 'end',
  L: 'end',
  R: 'end',
  A: 'end',
  P: 'end',
}

function markOf(field: string, value: unknown): TransactionMark | null {
  if (value === undefined || value === '') return null
  const mark = typeof value === 'string' ? MARKS[value] : undefined
  if (mark === undefined) throw wrong(field, `one of ${Object.keys(MARKS).join(' ')}`, value)
  return mark
}

/** Numbers come as numbers or as text with blanks and leading zeros. */
function energyOf(field: string, value: unknown, unit: unknown): number {
  const text = typeof value === 'number' ? String(value) : (textOf(value) ?? '')
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw wrong(`${field}.RV`, 'a decimal number', value)
  if (unit !== 'kWh' && unit !== 'Wh') throw wrong(`${field}.RU`, 'kWh or Wh', unit)
  const milliWh = Math.round(Number(text) * (unit === 'kWh' ? 1e6 : 1e3)) + 0
  if (!Number.isSafeInteger(milliWh)) throw wrong(`${field}.RV`, 'a register of a meter', value)
  return milliWh
}

/**
 * OBIS A-B:C.D.E with C = 1 (import) or 2 (export) and D = 8 (time integral since the beginning).
 * OCMF adds B0/B1 and C0/C1 for the same, B2/B3 and C2/C3 for the transaction alone.
 */
function registerOf(value: unknown): SignedReading['register'] {
  const found = typeof value === 'string' ? /^[^:]*:0*([0-9A-F]+)\.0*(\d+)\./i.exec(value) : null
  if (found?.[2] !== '8') return null
  switch (found[1]?.toUpperCase()) {
    case '1':
    case 'B0':
    case 'B1':
      return 'import'
    case '2':
    case 'C0':
    case 'C1':
      return 'export'
    case 'B2':
    case 'B3':
      return 'transaction-import'
    case 'C2':
    case 'C3':
      return 'transaction-export'
    default:
      return null
  }
}

/** Raw fields of a stranger's record are cut short and never interpreted. */
function wrong(field: string, expected: string, got: unknown): SyntaxError {
  const text = typeof got === 'string' ? got : (JSON.stringify(got) ?? 'nothing')
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return new SyntaxError(`${field}: expected ${expected}, got ${JSON.stringify(shown)}`)
}
