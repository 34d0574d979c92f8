import { bigint, customType, numeric } from 'drizzle-orm/pg-core'
import type { Address, Hex } from '#domain/ids.ts'
import { type Instant, instant } from '#domain/time.ts'
import { encodeDomain, reviveDomain } from './codec.ts'

/** An id; compared byte by byte, so that order does not depend on the database's locale. */
export function idColumn<T extends string>() {
  return customType<{ data: T; driverData: string }>({ dataType: () => 'text collate "C"' })()
}

/** Business time in whole milliseconds since 1970-01-01T00:00Z; never a timestamp of SQL. */
export const instantColumn = customType<{ data: Instant; driverData: string | number }>({
  dataType: () => 'bigint',
  fromDriver: (value) => instant(Number(value)),
})

/** '0x' and hexadecimal digits, as text: what is stored can be read and compared by eye. */
export const hexColumn = customType<{ data: Hex; driverData: string }>({ dataType: () => 'text' })
export const addressColumn = customType<{ data: Address; driverData: string }>({
  dataType: () => 'text',
})

/** Words from outside, a device's for example: PostgreSQL's text holds no NUL and no half character. */
export const wordsColumn = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => value.replaceAll('\0', '\ufffd').toWellFormed(),
})

/** Money in micro-EUR (or whole cents): exact, wide enough for a contract's uint256. */
export const moneyColumn = () => numeric({ precision: 78, scale: 0, mode: 'bigint' })

/** Whole numbers up to 2^53. */
export const wholeColumn = () => bigint({ mode: 'number' })

/**
 * A domain value written by the codec. The type is json and not jsonb: jsonb re-orders keys,
 * and a value must come back exactly as it went in, for whoever hashes it.
 */
export function domainColumn<T>() {
  return customType<{ data: T; driverData: unknown }>({
    dataType: () => 'json',
    toDriver: encodeDomain,
    fromDriver: (tree) => reviveDomain<T>(tree), // parsed by the driver
  })()
}
