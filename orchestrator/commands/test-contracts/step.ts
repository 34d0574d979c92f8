import type { Counts } from '../tool.ts'

/** What a step of the ladder came to, and its line of figures. */
export type StepResult = Counts & { readonly says: string }

export type Step = {
  /** Name on the step's line, and what `--only` takes. */
  readonly name: string
  run(): Promise<StepResult>
}
