import { splitEuros } from '../format.ts'

/** Euros to the last minor unit; what is below the cent stands back. */
export function Amount({ minor }: { minor: string }) {
  const { sign, cents, rest } = splitEuros(minor)
  return (
    <span class="amount">
      {sign}
      {cents}
      {rest !== '' && <span class="below-cent">{rest}</span>}
    </span>
  )
}
