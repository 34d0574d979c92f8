import type { Beta } from './beta.ts'

/** At least 0 and less than 1; who draws hands it in, seeded. */
export type Uniform = () => number

/**
 * A share drawn from a Beta: two gamma draws. A Beta without one of its sides is certain.
 */
export function drawBeta({ alpha, beta }: Beta, uniform: Uniform): number {
  if (beta <= 0) return 1
  if (alpha <= 0) return 0
  const good = drawGamma(alpha, uniform)
  const all = good + drawGamma(beta, uniform)
  // Shapes far below 1 underflow both: then all lies at one of the ends, in the shares of the shapes.
  if (all === 0) return uniform() * (alpha + beta) < alpha ? 1 : 0
  return good / all
}

/** Marsaglia and Tsang (2000); below 1 by the power of a uniform draw. */
function drawGamma(shape: number, uniform: Uniform): number {
  if (shape < 1) return drawGamma(shape + 1, uniform) * (1 - uniform()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = drawNormal(uniform)
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    const u = 1 - uniform()
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Box and Muller (1958), one of the pair. */
function drawNormal(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}
