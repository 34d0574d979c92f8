import type { FleetReport } from '#simulations/fleet-messages.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import type { Changes } from './change-gateways.ts'
import { decisionBreaches, type DecisionLine, gatherDecisions } from './decisions.ts'
import type { Parties } from './enrol.ts'
import type { GatewayLine } from './gateways.ts'
import type { EventLine } from './play.ts'
import { ledgerFlows } from './ledger-flows.ts'
import { tokenFlows } from './token-log.ts'
import type { EarningsView, OperatorCallView, PartiesView, SetpointLine } from './views.ts'

/** Everything that is known when the calls have ended, as the parties themselves read it. */
export type Outcome = {
  readonly scenario: Scenario
  readonly call: OperatorCallView
  readonly others: readonly OperatorCallView[]
  /** By call. */
  readonly decisions: ReadonlyMap<string, readonly DecisionLine[]>
  readonly notices: readonly EventLine[]
  readonly report: FleetReport
  readonly parties: PartiesView
  readonly setpoints: readonly SetpointLine[]
  readonly reconciliation: { readonly reconciled: boolean; readonly differences: readonly string[] }
  readonly transactions: readonly { kind: string; hash: string; epoch: number | null }[]
  readonly owners: readonly {
    owner: string
    wh: number
    minor: string
    receipt: unknown
    why: string[]
  }[]
  readonly aggregators: readonly { aggregator: string; minor: string }[]
  readonly rail: 'evm' | 'ledger'
  readonly token: { readonly in: bigint; readonly out: bigint; readonly balance: bigint }
  /** null: the service held the devices itself. */
  readonly gateways: { readonly lines: readonly GatewayLine[]; readonly changes: Changes } | null
}

export async function gatherOutcome(options: {
  readonly scenario: Scenario
  readonly parties: Parties
  readonly call: OperatorCallView
  readonly others: readonly OperatorCallView[]
  readonly report: FleetReport
  /** null: money is on a ledger without a chain. */
  readonly rpcUrl: string | null
  readonly gateways: Outcome['gateways']
}): Promise<Outcome> {
  const { scenario, parties, call, others, report, rpcUrl, gateways } = options
  const { operator, dso } = parties
  const view = await operator.get<PartiesView>('/v1/operator/parties')
  const events = await dso.get<EventLine[]>(`/v1/flexibility-calls/${call.id}/events`)
  return {
    scenario,
    call,
    others,
    decisions: await gatherDecisions(
      parties,
      [call, ...others].map(({ id }) => id),
    ),
    report,
    notices: events.filter((event) => event.notice),
    parties: view,
    setpoints: await operator.get('/v1/operator/setpoints'),
    reconciliation: await operator.get('/v1/operator/reconciliation'),
    transactions: await operator.get('/v1/operator/transactions'),
    owners: await ownersOf(parties, call.id),
    aggregators: await aggregatorsOf(parties, call.id),
    gateways,
    rail: rpcUrl === null ? 'ledger' : 'evm',
    token:
      rpcUrl === null
        ? await ledgerFlows(operator)
        : await tokenFlows(rpcUrl, view.token, view.pool),
  }
}

async function ownersOf(parties: Parties, callId: string): Promise<Outcome['owners']> {
  const rows = []
  for (const [owner, api] of parties.owners) {
    const { lines } = await api.get<EarningsView>('/v1/owner/earnings')
    const mine = lines.filter((line) => line.callId === callId)
    if (mine.length === 0) continue
    rows.push({
      owner,
      wh: mine.reduce((sum, line) => sum + line.wh, 0),
      minor: sum(mine.map((line) => line.minor)).toString(),
      receipt: mine.find((line) => line.receipt !== null)?.receipt ?? null,
      why: mine.map((line) => line.sentence),
    })
  }
  return rows
}

async function aggregatorsOf(parties: Parties, callId: string): Promise<Outcome['aggregators']> {
  const rows = []
  for (const [aggregator, api] of parties.aggregators) {
    const { lines } = await api.get<EarningsView>('/v1/aggregator/earnings')
    const mine = lines.filter((line) => line.callId === callId)
    rows.push({ aggregator, minor: sum(mine.map((line) => line.minor)).toString() })
  }
  return rows
}

export function sum(amounts: readonly string[]): bigint {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n)
}

/** What the demo promises to hold, one sentence per breach; empty when all is well. */
export function breaches(outcome: Outcome): string[] {
  const { scenario, call, others, report, reconciliation } = outcome
  const found: string[] = []
  const demand = (holds: boolean, sentence: string) => {
    if (!holds) found.push(sentence)
  }
  demand(call.state === 'paid', `the call ended ${call.state}: ${call.reasons.join('; ')}`)
  for (const other of others) {
    const why = other.reasons.join('; ')
    demand(other.state === 'paid', `call ${other.id} ended ${other.state}: ${why}`)
  }
  demand(reconciliation.reconciled, `books differ: ${reconciliation.differences.join('; ')}`)
  moneyBreaches(outcome, demand)
  const delivered = deliveredBy(call)
  // On a measured Sunday hardly anybody charges: then no charger has anything to give.
  const isAsked = scenario.name === 'bundled' || call.allocations.some((a) => a.kind === 'charger')
  demand(!isAsked || delivered.ocppWh > 0, `chargers delivered ${delivered.ocppWh} Wh`)
  // Those that ignore their setpoints are drawn: they may be all the batteries that were ordered.
  const isObeyed = call.allocations.some(
    ({ kind, resourceId }) => kind === 'battery' && !report.disobeyed.includes(resourceId),
  )
  demand(!isObeyed || delivered.opcuaWh > 0, `batteries delivered ${delivered.opcuaWh} Wh`)
  demand(report.driversShort.length === 0, `left short: ${report.driversShort.join(', ')}`)
  demand(isBackAtDefault(outcome), 'not every device is back at its default')
  for (const { id, rebound } of [call, ...others]) {
    const over = (rebound?.measured?.overshootW ?? 0) - (rebound?.overshootW ?? 0)
    demand(over <= 0, `after call ${id} the room was passed by ${over} W more than planned`)
  }
  const missed = call.repairs.filter((repair) => repair.reason === 'not-obeying')
  const names = (ids: readonly string[]) => [...ids].sort().join(', ')
  demand(
    names(missed.map((repair) => repair.resourceId)) === names(report.disobeyed),
    `found not to obey: ${names(missed.map((r) => r.resourceId))}; the fleet says ${names(report.disobeyed)}`,
  )
  demand(
    call.attestations.signed >= call.attestations.required,
    `${call.attestations.signed} of ${call.attestations.required} verifiers signed`,
  )
  demand(isSouthUntouched(outcome), 'a device at another congestion point had a setpoint')
  gatewayBreaches(outcome, demand)
  const { main, overlapping } = scenario.calls
  for (const [i, one] of [call, ...others].entries()) {
    const { congestionPoint } = (i === 0 ? main : overlapping) ?? main
    const lines = outcome.decisions.get(one.id) ?? []
    decisionBreaches(scenario, congestionPoint, one, lines, demand)
  }
  return found
}

/** Whoever had a setpoint and changed the gateway has kept it, but for those that misbehave. */
function gatewayBreaches(
  { gateways, scenario, report }: Outcome,
  demand: (holds: boolean, sentence: string) => void,
): void {
  if (gateways === null) return
  const { lines, changes } = gateways
  const misbehaved = new Set([...report.disobeyed, ...report.silent, ...report.dropped])
  const lost = changes.withSetpoint.filter(
    (ref) => !changes.kept.includes(ref) && !misbehaved.has(ref),
  )
  demand(lost.length === 0, `lost the setpoint with the gateway: ${lost.join(', ')}`)
  demand(changes.withSetpoint.length > 0, 'no charge point with a setpoint changed the gateway')
  const held = lines.reduce((sum, { devices }) => sum + devices, 0)
  const standing = scenario.devices.length - report.dropped.length
  demand(held === standing, `the gateways hold ${held} of ${standing} devices`)
}

function moneyBreaches(
  { call, others, owners, aggregators, token }: Outcome,
  demand: (holds: boolean, sentence: string) => void,
): void {
  const escrows = [call, ...others].flatMap(({ escrow }) => (escrow ? [escrow] : []))
  for (const escrow of escrows) {
    const { fundedMinor, paidMinor, feeMinor, refundMinor, heldMinor } = escrow
    const parts = sum([paidMinor, feeMinor, refundMinor, heldMinor])
    demand(parts === BigInt(fundedMinor), `escrow ${escrow.requestId}: ${parts} of ${fundedMinor}`)
  }
  const funded = sum(escrows.map((escrow) => escrow.fundedMinor))
  demand(token.in === funded, `the token says ${token.in} went in, the escrows ${funded}`)
  demand(token.out === funded, `the token says ${token.out} went out of ${funded}`)
  const earned = sum([...owners, ...aggregators].map((row) => row.minor))
  const paid = BigInt(call.escrow?.paidMinor ?? '0')
  demand(earned === paid, `owners and aggregators earned ${earned}, the escrow paid ${paid}`)
}

export function deliveredBy(call: OperatorCallView): { ocppWh: number; opcuaWh: number } {
  const kinds = new Map(call.allocations.map(({ resourceId, kind }) => [resourceId, kind]))
  const of = (kind: string) =>
    call.lines
      .filter((line) => kinds.get(line.resourceId) === kind)
      .reduce((total, line) => total + line.deliveredWh, 0)
  return { ocppWh: of('charger'), opcuaWh: of('battery') }
}

/** Read back by the service, and let go of by the device itself, at the latest at its expiry. */
export function isBackAtDefault({ setpoints, report }: Outcome): boolean {
  return (
    setpoints.every((setpoint) => setpoint.atDefault) &&
    report.devices.every((device) => device.backAtDefaultAt !== null)
  )
}

/** The fleet's own log knows every device that ever had a setpoint. */
export function isSouthUntouched({ scenario, report, call, others }: Outcome): boolean {
  const called = new Set([scenario.calls.main.congestionPoint])
  if (scenario.calls.overlapping) called.add(scenario.calls.overlapping.congestionPoint)
  const sites = new Map(scenario.sites.map((site) => [site.ref, site.congestionPoint]))
  const where = new Map(
    scenario.devices.map((device) => [device.ref, sites.get(device.site) ?? '']),
  )
  const touched = report.devices.map((device) => device.ref)
  const ordered = [call, ...others].flatMap((c) => c.allocations.map((a) => a.resourceId))
  return [...touched, ...ordered].every((ref) => called.has(where.get(ref) ?? ''))
}
