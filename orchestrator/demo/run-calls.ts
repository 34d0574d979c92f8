import type { PartyApi } from './api.ts'
import { changeGateways } from './change-gateways.ts'
import { followCall, postCall } from './play.ts'
import type { DemoTimer, Stage } from './set-up.ts'
import type { OperatorCallView } from './views.ts'

const ALL_BACK_TRIES = 100

export type Played = {
  readonly call: OperatorCallView
  readonly others: readonly OperatorCallView[]
  /** Request posted to the call's end, wall milliseconds. */
  readonly callMs: number
  /** Charge points that were told to dial another gateway inside the window. */
  readonly moved: readonly string[]
}

/** Posts the scenario's calls as the DSO and follows each to its end. */
export async function runCalls(
  stage: Stage,
  speed: number,
  say: (line: string) => void,
): Promise<Played> {
  const { scenario, parties, payer, timer } = stage
  const { main, overlapping } = scenario.calls
  const beganMs = timer.monotonicMs()
  const id = await postCall(parties.dso, main, 'demo-main')
  const otherIds = overlapping ? [await postCall(parties.dso, overlapping, 'demo-overlapping')] : []
  const untilEndMs = Date.parse(main.windowEnd) - Date.parse(scenario.start)
  const deadlineMs = 60_000 + (untilEndMs + 3_600_000) / speed
  const follow = (callId: string, name: string) =>
    followCall({ id: callId, name, parties, payerKey: payer.privateKey, deadlineMs, timer, say })
  let callMs = 0
  let isOver = false
  const moving = stage.gateways === null ? [] : changeGateways(stage, id, () => isOver, say)
  const [call, ...others] = await Promise.all([
    follow(id, 'call').then((ended) => {
      callMs = timer.monotonicMs() - beganMs
      return ended
    }),
    ...otherIds.map((other) => follow(other, 'second call')),
  ])
  isOver = true
  await untilWithdrawn(parties.operator, timer)
  const [whole, ...rest] = await Promise.all(
    [call, ...others].map((one) => untilAllBack(parties.operator, one, timer)),
  )
  return { call: whole ?? call, others: rest, callMs, moved: await moving }
}

/** The DSO's rest and the fee are handed out after the owners are paid, or all after a refund. */
async function untilWithdrawn(operator: PartyApi, timer: DemoTimer): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const { reconciled } = await operator.get<{ reconciled: boolean }>(
      '/v1/operator/reconciliation',
    )
    const events = await operator.get<{ kind: string }[]>('/v1/operator/transactions')
    const count = (...kinds: string[]) => events.filter(({ kind }) => kinds.includes(kind)).length
    const owed = count('RequestFinalized') > 0 ? 2 : Math.min(1, count('RequestRefunded'))
    if (reconciled && count('CreditWithdrawn') >= owed) return
    await timer.sleep(200)
  }
}

/** Money waits for no device: the last may come back after the call was paid. */
async function untilAllBack(
  operator: PartyApi,
  { id }: OperatorCallView,
  timer: DemoTimer,
): Promise<OperatorCallView> {
  for (let tries = 0; ; tries++) {
    const call = await operator.get<OperatorCallView>(`/v1/flexibility-calls/${id}`)
    const isMeasured = call.rebound === null || call.rebound.measured !== null
    if (isMeasured || tries === ALL_BACK_TRIES) return call
    await timer.sleep(200)
  }
}
