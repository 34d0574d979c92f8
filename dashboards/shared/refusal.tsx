import type { Refused } from '../api.ts'

/** Why what a person asked for was not done, told at once; nothing while it was. */
export function Refusal({ refused }: { readonly refused: Refused | null }) {
  if (refused === null) return null
  return (
    <p class="problem" role="alert">
      {refused.message}
    </p>
  )
}
