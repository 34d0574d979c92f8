/**
 * The forms in which a setpoint can be given to a charger, and the way from one to the next when a
 * station refuses a form, passes over it in silence, or takes it and does not follow.
 */
import type { ProfileKind, RateUnit } from './wire.ts'

export type ProfileForm = {
  readonly purpose: 'TxProfile' | 'TxDefaultProfile'
  readonly kind: ProfileKind
  readonly unit: RateUnit
  readonly stackLevel: 0 | 1
}

/** 'TxProfile Absolute A level 1' */
export function nameOf({ purpose, kind, unit, stackLevel }: ProfileForm): string {
  return `${purpose} ${kind} ${unit} level ${stackLevel}`
}

/**
 * After "accepted and not obeyed" in the order of unit, kind, purpose, level 0. After a refusal
 * level 0 comes first: it is what most stations mean, and costs none of the flash writes that
 * default profiles do. Then two changes at a time, then three.
 */
const COSTS = {
  disobeyed: { unit: 10, kind: 11, purpose: 12, stackLevel: 13 },
  refused: { unit: 10, kind: 11, purpose: 12, stackLevel: 9 },
} as const
/** A unit that the station does not list, or with something else changed, too, is a last resort. */
const UNLISTED_UNIT = 200
const UNIT_AND_MORE = 30

/**
 * 'silent': it may be the form, or a station that was busy; 'too soon': its flash must not be written
 * yet. Both are forgotten before all else is.
 */
export type Why = keyof typeof COSTS | Passing
type Passing = 'silent' | 'too soon'

function passes(why: Why): why is Passing {
  return why === 'silent' || why === 'too soon'
}

export type FormChoice = {
  readonly current: ProfileForm
  /** Not in this form, nor in any other that shares these features. null: no form is left. */
  passOver(features: Partial<ProfileForm>, why: Why): ProfileForm | null
}

export type FormOptions = {
  readonly preferred: ProfileForm
  /** The units that the station lists; empty: it lists none. */
  readonly units: readonly RateUnit[]
}

/** Begins with the preferred form; once all were passed over it begins again. */
export function createFormChoice({ preferred, units }: FormOptions): FormChoice {
  let forms: readonly ProfileForm[] | null = null // most stations take the first one
  let passed: { features: Partial<ProfileForm>; why: Why }[] = []
  let current = preferred

  function cost(form: ProfileForm, why: Why): number {
    const changed = (['unit', 'kind', 'purpose', 'stackLevel'] as const).filter(
      (feature) => form[feature] !== preferred[feature],
    )
    const costs = COSTS[passes(why) ? 'refused' : why]
    const sum = changed.reduce((total, feature) => total + costs[feature], 0)
    if (form.unit === preferred.unit) return sum
    const isUnlisted = units.length > 0 && !units.includes(form.unit)
    return sum + (isUnlisted ? UNLISTED_UNIT : changed.length > 1 ? UNIT_AND_MORE : 0)
  }

  function cheapest(why: Why): ProfileForm | undefined {
    forms ??= allForms(preferred)
    const left = forms.filter((form) => !passed.some(({ features }) => shares(form, features)))
    return left.toSorted((a, b) => cost(a, why) - cost(b, why))[0]
  }

  return {
    get current() {
      return current
    },
    passOver(features, why) {
      passed.push({ features, why })
      let next = cheapest(why)
      if (next === undefined) {
        passed = passed.filter((one) => !passes(one.why))
        next = passes(why) ? undefined : cheapest(why)
      }
      if (next === undefined) passed = []
      current = next ?? preferred
      return next ?? null
    },
  }
}

function shares(form: ProfileForm, features: Partial<ProfileForm>): boolean {
  return Object.entries(features).every(
    ([name, value]) => form[name as keyof ProfileForm] === value,
  )
}

/** Dynamic is a TxProfile's and this session's alone; whoever takes it takes Absolute, too. */
function allForms(preferred: ProfileForm): ProfileForm[] {
  const levels = preferred.stackLevel === 0 ? ([0] as const) : ([1, 0] as const)
  const purposes: ProfileForm['purpose'][] = ['TxProfile', 'TxDefaultProfile']
  const kinds: ProfileKind[] = ['Absolute', 'Relative']
  const all = purposes.flatMap((purpose) =>
    kinds.flatMap((kind) =>
      (['A', 'W'] as const).flatMap((unit) =>
        levels.map((stackLevel): ProfileForm => ({ purpose, kind, unit, stackLevel })),
      ),
    ),
  )
  return preferred.kind === 'Dynamic' ? [preferred, ...all] : all
}
