import type { BaselineMethod } from './method.ts'
import { ADJUSTED_METHODS } from './methods-adjusted.ts'
import { HISTORY_METHODS } from './methods-history.ts'
import { OTHER_METHODS } from './methods-other.ts'

/** Every definition that comes with Gridcall. A version, once shipped, never changes. */
export const BUILT_IN_METHODS: readonly BaselineMethod[] = [
  ...HISTORY_METHODS,
  ...ADJUSTED_METHODS,
  ...OTHER_METHODS,
]

/** A built-in by its name, in one version or the newest; null: there is none. */
export function builtInMethod(name: string, version?: number): BaselineMethod | null {
  const named = BUILT_IN_METHODS.filter((method) => method.name === name)
  return (
    named.find((method) => method.version === version) ??
    (version === undefined ? newest(named) : null)
  )
}

function newest(methods: readonly BaselineMethod[]): BaselineMethod | null {
  const [first, ...others] = methods
  return first ? others.reduce((a, b) => (b.version > a.version ? b : a), first) : null
}
