/**
 * What a battery loses, and the only place that knows it. Every figure is of Wh; "stored" is what
 * changes inside, everything else is what a meter sees at its terminals.
 */

/** One way, in or out: of what goes in so much is stored, of what was stored so much comes out. */
const ONE_WAY_BP = 9500
const WHOLE_BP = 10_000

/** One way: what it gives at its terminals of what is stored. */
export function givenOf(storedWh: number): number {
  return (storedWh * ONE_WAY_BP) / WHOLE_BP
}

/** One way: what it takes at its terminals until so much more is stored. */
export function takenToStore(storedWh: number): number {
  return (storedWh * WHOLE_BP) / ONE_WAY_BP
}

/** There and back: what it takes until it is as full as before it gave this. */
export function takenBackFor(gaveWh: number): number {
  return takenToStore((gaveWh * WHOLE_BP) / ONE_WAY_BP)
}

/** There and back: what it gives until it is as empty as before it took this. */
export function givenBackFor(tookWh: number): number {
  return givenOf((tookWh * ONE_WAY_BP) / WHOLE_BP)
}
