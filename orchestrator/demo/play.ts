import type { Hex } from '#domain/ids.ts'
import type { Timer } from '#ports.ts'
import type { ScenarioCall } from '#simulations/scenarios/scenario.ts'
import type { PartyApi } from './api.ts'
import type { Parties } from './enrol.ts'
import type { OperatorCallView } from './views.ts'

const LOOK_MS = 200
const ENDED = new Set(['paid', 'declined', 'expired', 'cancelled', 'refunded'])

type TypedData = {
  readonly domain: { readonly chainId: number | string; readonly verifyingContract: Hex }
  readonly message: { readonly to: Hex }
}

/** A DSO posts a request as it would from its control room. */
export async function postCall(dso: PartyApi, call: ScenarioCall, key: string): Promise<string> {
  const { id } = await dso.post<{ id: string }>(
    '/v1/flexibility-calls',
    {
      congestionPointId: call.congestionPoint,
      direction: call.direction,
      window: { start: call.windowStart, end: call.windowEnd },
      periods: call.periods,
      priceCapMinorPerKwh: call.priceCap,
      penalty: { kind: 'none' },
    },
    key,
  )
  return id
}

/** Follows a call to its end: accepts its offer with the DSO's own key, and tells what happens. */
export async function followCall(options: {
  readonly id: string
  readonly name: string
  readonly parties: Parties
  readonly payerKey: Hex
  readonly deadlineMs: number
  readonly timer: Timer
  readonly say: (line: string) => void
}): Promise<OperatorCallView> {
  const { id, name, parties, timer, say, deadlineMs } = options
  const giveUpAt = timer.monotonicMs() + deadlineMs
  let told = 0
  let accepted = false
  for (;;) {
    const call = await patiently(() =>
      parties.operator.get<OperatorCallView>(`/v1/flexibility-calls/${id}`),
    )
    if (call?.state === 'offered' && !accepted) {
      accepted = await accept(parties.dso, call, options.payerKey)
    }
    const path = `/v1/flexibility-calls/${id}/events`
    const events = (await patiently(() => parties.dso.get<EventLine[]>(path))) ?? []
    for (const event of events.slice(told)) {
      say(`${event.at.slice(11, 19)} ${name}: ${event.message}`)
    }
    told = Math.max(told, events.length)
    if (call && ENDED.has(call.state)) return call
    if (timer.monotonicMs() > giveUpAt) {
      throw new Error(`${name} (${id}) is ${call?.state ?? 'unknown'} after ${deadlineMs / 1000} s`)
    }
    await timer.sleep(LOOK_MS)
  }
}

export type EventLine = {
  readonly at: string
  readonly kind: string
  readonly message: string
  readonly notice: boolean
}

/** A service that was just killed answers again in a moment; a call that went on is looked at again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    const cause =
      error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined
    if (cause?.code === 'ECONNREFUSED' || cause?.code === 'ECONNRESET') return null
    const again = /fetch failed|other side closed|terminated|answered 409/
    if (error instanceof Error && again.test(error.message)) return null
    throw error
  }
}

/** The money is locked by the DSO's own signature, over exactly what was offered. */
async function accept(dso: PartyApi, call: OperatorCallView, payerKey: Hex): Promise<boolean> {
  if (!call.escrow) return false
  const path = `/v1/flexibility-calls/${call.id}`
  const typed = await patiently(() => dso.get<TypedData & SignedTerms>(`${path}/authorisation`))
  if (typed === null) return false
  const authorisation = await signTypedEscrow(payerKey, typed)
  return (await patiently(() => dso.post(`${path}/acceptance`, authorisation))) !== null
}

type SignedTerms = {
  readonly types: Record<string, unknown>
  readonly primaryType: string
  readonly message: { readonly validAfter: string; readonly validBefore: string }
}

async function signTypedEscrow(payerKey: Hex, typed: TypedData & SignedTerms) {
  const { privateKeyToAccount } = await import('viem/accounts')
  const signature = await privateKeyToAccount(payerKey).signTypedData(typed as never)
  const { validAfter, validBefore } = typed.message
  return { validAfter: Number(validAfter), validBefore: Number(validBefore), signature }
}
