/** What the API answers, as far as the demo reads it. Money as decimal strings of minor units. */

export type PeriodLine = {
  readonly start: string
  readonly requestedW: number | null
  readonly orderedW: number
  readonly baselineW: number | null
  readonly measuredW: number | null
  readonly deliveredW: number | null
}

export type OperatorCallView = {
  readonly id: string
  readonly state: string
  readonly window: { readonly start: string; readonly end: string }
  readonly releasedAt: string | null
  readonly requestedWh: number
  readonly orderedWh: number
  readonly deliveredWh: number | null
  readonly deficientWh: number | null
  readonly periods: readonly PeriodLine[]
  readonly repairs: readonly {
    readonly resourceId: string
    readonly orderedW: number
    readonly observedW: number
    readonly startedAt: string
    readonly detectedAt: string
    readonly replacedBy: readonly string[]
    readonly restoredAt: string | null
    readonly reason: string
  }[]
  readonly skipped: readonly { resourceId: string; reason: string; detail: string }[]
  readonly reasons: readonly string[]
  readonly allocations: readonly {
    readonly resourceId: string
    readonly kind: 'charger' | 'battery'
    readonly role: 'order' | 'repair'
    readonly periods: readonly { readonly start: string; readonly powerW: number }[]
  }[]
  readonly lines: readonly {
    readonly resourceId: string
    readonly deliveredWh: number
    readonly payableWh: number
    readonly reason: string
    readonly ownerMinor: string
    readonly aggregatorMinor: string | null
  }[]
  readonly escrow: {
    readonly requestId: string
    readonly fundedMinor: string
    readonly paidMinor: string
    readonly feeMinor: string
    readonly refundMinor: string
    readonly heldMinor: string
    readonly currency: string
    readonly minorPerUnit: string
  } | null
  readonly transactions: readonly { kind: string; hash: string; epoch: number | null }[]
  readonly attestations: {
    readonly required: number
    readonly signed: number
    readonly refusals: readonly { verifier: string; line: string }[]
  }
  readonly evidence: { readonly version: number; readonly root: string } | null
  readonly rebound: OperatorRebound | null
  readonly restarts: readonly { readonly resourceId: string; readonly restartsAt: string }[]
}

/** What was planned for the time after the window, and what the meters say of it. */
export type OperatorRebound = {
  readonly resources: number
  readonly peakW: number
  readonly overshootW: number
  readonly periods: readonly {
    readonly start: string
    readonly end: string
    readonly powerW: number
    readonly roomW: number | null
    readonly measuredW: number | null
  }[]
  /** null: not all were back yet. */
  readonly measured: {
    readonly from: string
    readonly until: string
    readonly peakW: number | null
    readonly overshootW: number | null
    readonly drawnWh: number
    readonly baselineWh: number | null
    readonly unheard: number
  } | null
}

type DecisionStep = { readonly code: string; readonly at: string; readonly sentence: string }

export type DecisionView = DecisionStep & {
  readonly resourceId: string
  readonly outcome: string
  readonly detail: string | null
  readonly earlier: readonly DecisionStep[]
  readonly passedOver: readonly DecisionStep[]
}

export type OwnDecisionView = DecisionView & { readonly callId: string }

export type EarningsView = {
  readonly lines: readonly {
    readonly callId: string
    readonly resourceId: string
    readonly wh: number
    readonly minor: string
    readonly reason: string
    readonly sentence: string
    readonly receipt: { readonly epoch?: number } | null
  }[]
}

export type PartiesView = {
  readonly chainId: number
  readonly pool: string
  readonly token: string
  readonly relayer: string
  readonly verifiers: readonly string[]
  readonly agents: readonly string[]
}

export type SetpointLine = { readonly resourceId: string; readonly atDefault: boolean }
