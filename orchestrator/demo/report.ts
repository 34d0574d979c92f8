import { decisionTable } from './decisions.ts'
import { deliveredBy, isBackAtDefault, type Outcome } from './outcome.ts'
import type { OperatorCallView } from './views.ts'

export type Extras = {
  readonly seed: number
  readonly fleetLog: string
  readonly evidenceFile: string
  /** null where nothing was measured. */
  readonly picture: string | null
  readonly chainFile: string
  readonly wallet: string
  readonly payer: string
  readonly verifierPids: readonly number[]
  readonly peakPssMb: number | null
  readonly seconds: {
    readonly install: number
    readonly boot: number
    readonly call: number
    readonly total: number
  }
}

/** The one JSON object of `gridcall demo --json`. */
export function demoJson(outcome: Outcome, extras: Extras): object {
  const { call, others, scenario, report, parties, reconciliation } = outcome
  return {
    callId: call.id,
    state: call.state,
    seed: extras.seed,
    requestedWh: call.requestedWh,
    orderedWh: call.orderedWh,
    deliveredWh: call.deliveredWh,
    deficientWh: call.deficientWh,
    periods: call.periods.map(
      ({ start, requestedW, orderedW, baselineW, measuredW, deliveredW }) => ({
        start,
        requestedW,
        orderedW,
        baselineW,
        measuredW,
        deliveredW,
      }),
    ),
    devices: devicesOf(outcome),
    delivered: deliveredBy(call),
    meteringIntervalS: scenario.meteringIntervalSeconds,
    fleetLog: extras.fleetLog,
    allocations: call.allocations,
    skipped: call.skipped,
    decisions: outcome.decisions.get(call.id) ?? [],
    otherCalls: others.map((other) => ({
      callId: other.id,
      state: other.state,
      escrow: other.escrow,
      resources: other.allocations.map((allocation) => allocation.resourceId),
      decisions: outcome.decisions.get(other.id) ?? [],
    })),
    repairs: call.repairs.map(({ resourceId, reason: _reason, ...repair }) => ({
      resource: resourceId,
      ...repair,
    })),
    notices: outcome.notices.map(({ at, kind, message }) => ({ at, kind, message })),
    rebound: reboundOf(call),
    restarts: [call, ...others].flatMap(({ restarts }) =>
      restarts.map(({ resourceId, restartsAt }) => ({ resource: resourceId, restartsAt })),
    ),
    driversShort: report.driversShort.length,
    backAtDefault: isBackAtDefault(outcome),
    escrow: escrowOf(call),
    attestations: {
      required: call.attestations.required,
      signed: call.attestations.signed,
      refusals: call.attestations.refusals,
      verifierPids: extras.verifierPids,
    },
    parties: {
      payer: extras.payer,
      relayer: parties.relayer,
      verifiers: parties.verifiers,
      agent: parties.agents[0] ?? null,
      wallet: extras.wallet,
    },
    rail: outcome.rail,
    chain: { chainId: parties.chainId, pool: parties.pool, ...transactionsOf(outcome) },
    reconciled: reconciliation.reconciled,
    differences: reconciliation.differences,
    owners: outcome.owners.map(({ why: _why, ...owner }) => owner),
    aggregators: outcome.aggregators,
    evidence: { file: extras.evidenceFile, root: call.evidence?.root ?? null },
    picture: extras.picture,
    chainFile: extras.chainFile,
    input: scenario.input,
    ...gatewaysOf(outcome),
    peakPssMb: extras.peakPssMb,
    seconds: extras.seconds,
  }
}

/** Only where gateways were asked for: the service alone says nothing of itself here. */
function gatewaysOf({ gateways }: Outcome) {
  if (gateways === null) return {}
  const { stations, withSetpoint, kept } = gateways.changes
  const changed = {
    stations: stations.length,
    withSetpoint: withSetpoint.length,
    kept: kept.length,
  }
  return { gateways: gateways.lines, changedGateway: changed }
}

function devicesOf({ scenario, call }: Outcome) {
  const chargers = scenario.devices.filter((device) => device.kind === 'charger')
  return {
    ocpp16: chargers.filter((device) => device.version === '1.6').length,
    ocpp201: chargers.filter((device) => device.version === '2.0.1').length,
    opcua: scenario.devices.length - chargers.length,
    dispatched: call.allocations.length,
    disobeyed: call.repairs.filter((repair) => repair.reason === 'not-obeying').length,
    replacements: call.allocations.filter((a) => a.role === 'repair').length,
  }
}

/** The peaks side by side; null: all devices went back at once. */
function reboundOf({ rebound }: OperatorCallView) {
  if (rebound === null) return null
  const { resources, periods, measured } = rebound
  const planned = { peakW: rebound.peakW, overshootW: rebound.overshootW }
  return { resources, planned, measured, periods }
}

function escrowOf({ escrow }: OperatorCallView) {
  if (!escrow) return null
  const { fundedMinor, paidMinor, feeMinor, refundMinor, heldMinor, currency } = escrow
  const parts = { fundedMinor, paidMinor, feeMinor, refundMinor, heldMinor }
  return { ...parts, currency, minorPerUnit: Number(escrow.minorPerUnit) }
}

function transactionsOf({ call, transactions }: Outcome) {
  const one = (kind: string) => call.transactions.find((tx) => tx.kind === kind)?.hash ?? null
  const all = (kind: string) => [
    ...new Set(transactions.filter((tx) => tx.kind === kind).map((tx) => tx.hash)),
  ]
  const any = (kind: string) => one(kind) ?? all(kind)[0] ?? null
  return {
    openTx: one('RequestOpened'),
    proposeTx: one('SettlementProposed'),
    finalizeTx: one('RequestFinalized'),
    epochTx: any('EpochPosted'),
    activateTx: any('EpochActivated'),
    payTx: any('Paid'),
    withdrawTxs: all('CreditWithdrawn'),
    refundTx: one('RequestRefunded'),
  }
}

/** What a person reads at the end. */
export function demoTable(outcome: Outcome, extras: Extras, url: string): string {
  const { call, parties } = outcome
  const lines: string[] = ['']
  const row = (cells: readonly (string | number | null)[]) =>
    lines.push(cells.map((cell) => String(cell ?? '–').padStart(11)).join(' '))
  row(['period', 'requested W', 'ordered W', 'baseline W', 'measured W', 'delivered W'])
  for (const p of call.periods) {
    const start = p.start.slice(11, 16)
    row([start, p.requestedW, p.orderedW, p.baselineW, p.measuredW, p.deliveredW])
  }
  lines.push(...reboundTable(call))
  lines.push('', ...decisionTable(outcome.decisions.get(call.id) ?? []))
  lines.push('', `${'owner'.padEnd(12)}${'Wh'.padStart(8)}${'€'.padStart(12)}   why`)
  for (const { owner, wh, minor, why } of outcome.owners) {
    lines.push(
      `${owner.padEnd(12)}${String(wh).padStart(8)}${euros(minor).padStart(12)}   ${why[0]}`,
    )
    for (const more of why.slice(1)) lines.push(`${' '.repeat(35)}${more}`)
  }
  for (const { aggregator, minor } of outcome.aggregators) {
    lines.push(
      `${aggregator.padEnd(20)}${euros(minor).padStart(12)}   share of the owners' earnings`,
    )
  }
  if (call.escrow) {
    const { fundedMinor, paidMinor, feeMinor, refundMinor } = call.escrow
    const split = `paid ${euros(paidMinor)} + fee ${euros(feeMinor)} + back ${euros(refundMinor)}`
    lines.push('', `Escrow € ${euros(fundedMinor)} = ${split}`)
  }
  const { openTx, proposeTx, finalizeTx, payTx } = transactionsOf(outcome)
  const where = outcome.rail === 'evm' ? `on chain ${parties.chainId}` : 'on a ledger, no chain'
  lines.push(`Pool ${parties.pool} ${where}`)
  lines.push(
    `  opened ${openTx}`,
    `  proposed ${proposeTx}`,
    `  final ${finalizeTx}`,
    `  paid ${payTx}`,
  )
  lines.push('', `Evidence: ${extras.evidenceFile}`)
  lines.push(`  npm run -s gridcall -- verify ${extras.evidenceFile}`)
  if (extras.picture !== null) lines.push(`Picture: ${extras.picture}`)
  lines.push(`Books: ${extras.chainFile}`)
  lines.push(`  npm run -s gridcall -- chain reconcile --offline ${extras.chainFile}`)
  lines.push(`Page: ${url}/dso`, '')
  return lines.join('\n')
}

/** What comes back after the window, step by step, as far as it was measured. */
function reboundTable({ rebound }: OperatorCallView): string[] {
  if (rebound === null) return []
  const { resources, periods, measured } = rebound
  const cells = (all: readonly (string | number)[]) =>
    all.map((cell) => String(cell).padStart(11)).join(' ')
  const rows = periods
    .filter(({ start }) => measured === null || start < measured.until)
    .map(({ start, powerW, roomW, measuredW }) =>
      cells([start.slice(11, 19), powerW, measuredW ?? '–', roomW ?? '–']),
    )
  const taken = measured === null ? 'not measured yet' : `${measured.drawnWh} Wh taken meanwhile`
  return [
    '',
    `After the window ${resources} resources come back one after the other: ${taken}`,
    cells(['from', 'planned W', 'measured W', 'room W']),
    ...rows,
  ]
}

/** Minor units of 1e-6 EUR as euros with four places, exactly. */
function euros(minor: string): string {
  const value = BigInt(minor)
  const whole = value / 1_000_000n
  const rest = (value % 1_000_000n).toString().padStart(6, '0').slice(0, 4)
  return `${whole}.${rest}`
}
