import type { Product } from './product.ts'
import { gridcallBess } from './products/gridcall-bess.ts'
import { plainPcs } from './products/plain-pcs.ts'
import { sunspecDer } from './products/sunspec-der.ts'

/** Every make of battery that this build can drive. */
export const products: readonly Product[] = [gridcallBess, sunspecDer, plainPcs]

/** null: none of that name. A connection that names none speaks our own model. */
export function productNamed(name: string | undefined): Product | null {
  return products.find((product) => product.name === (name ?? gridcallBess.name)) ?? null
}
