import { DomainError } from './errors.ts'
import type { Brand } from './units.ts'

/** An account number in its electronic form: upper case, no spaces, checked. Personal data. */
export type Iban = Brand<string, 'Iban'>

/** Length by country, from the IBAN registry (ISO 13616). */
const LENGTHS =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 ' +
  'DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 ' +
  'IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 ' +
  'MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
  'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'

const LENGTH_OF = new Map(
  LENGTHS.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/**
 * Reads an IBAN, with or without spaces: country, length, ISO 7064 mod 97-10.
 * What was refused is described and never repeated: the message may end up in a log.
 * @throws DomainError bad-iban
 */
export function parseIban(text: string, field: string): Iban {
  const compact = text.replaceAll(' ', '').toUpperCase()
  if (!/^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$/.test(compact)) {
    throw refused(field, 'two letters, two digits and up to 30 letters or digits', compact)
  }
  const country = compact.slice(0, 2)
  const length = LENGTH_OF.get(country)
  if (length === undefined) throw refused(field, 'the code of a country that has IBANs', compact)
  if (compact.length !== length) {
    throw refused(field, `${length} characters for ${country}`, compact)
  }
  // Check digits run from 02 to 98; 00, 01 and 99 would pass mod 97 as aliases of 97, 98 and 02.
  const check = Number(compact.slice(2, 4))
  if (check < 2 || check > 98 || remainder97(compact) !== 1) {
    throw refused(field, 'check digits that fit the rest (ISO 7064 mod 97-10)', compact)
  }
  return compact as Iban // the only cast
}

/** Masks every valid IBAN in a text, wherever it begins, so that the text may be shown. */
export function maskIbans(text: string): string {
  let shown = ''
  let from = 0
  for (const { index } of text.matchAll(/[A-Za-z]{2}(?=[0-9]{2})/g)) {
    const end = index < from ? null : ibanEnd(text, index)
    if (end === null) continue
    shown += `${text.slice(from, index)}[account number]`
    from = end
  }
  return shown + text.slice(from)
}

/** Where the IBAN that begins here ends; null if none does. Single spaces may stand inside. */
function ibanEnd(text: string, start: number): number | null {
  const length = LENGTH_OF.get(text.slice(start, start + 2).toUpperCase())
  if (length === undefined) return null
  let compact = ''
  let at = start
  while (compact.length < length && at < text.length) {
    const character = text[at] as string
    if (/[A-Za-z0-9]/.test(character)) compact += character.toUpperCase()
    else if (character !== ' ') return null
    at += 1
  }
  return compact.length === length && remainder97(compact) === 1 ? at : null
}

/** The first four characters behind the rest, A = 10 … Z = 35, modulo 97. */
function remainder97(compact: string): number {
  let remainder = 0
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder
}

function refused(field: string, expected: string, compact: string): DomainError {
  const got = `an account number of ${compact.length} characters that is not repeated here`
  return new DomainError('bad-iban', `${field}: expected ${expected}`, [{ field, expected, got }])
}
