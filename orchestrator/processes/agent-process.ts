import { createLog } from '#observability/logger.ts'
import { keepLooking, need, type Running } from './party.ts'
import { createWallTimer } from './wall-time.ts'

type Epoch = { readonly epoch: number; readonly state: string }
type Receipt = {
  readonly ownerId: string
  readonly amountMinor: string
  readonly paidCents: string
}

/**
 * The payout agent of a local chain. It pays owners in euros from what the pool paid to its leaf;
 * here, where euros are play money, it checks each epoch's receipts and says what it would pay.
 */
export async function startAgent(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const party = need(environment, 'GRIDCALL_PARTY')
  const apiUrl = need(environment, 'GRIDCALL_API_URL')
  const apiKey = need(environment, 'GRIDCALL_API_KEY')
  const timer = createWallTimer()
  const log = createLog({ level: environment.LOG_LEVEL ?? 'info', role: party })
  const paid = new Set<number>()
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${apiUrl}/v1/payouts/${path}`, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(10_000),
    })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    return (await response.json()) as T
  }
  return keepLooking(timer, log, async () => {
    for (const { epoch, state } of await get<Epoch[]>('epochs')) {
      if (state !== 'paid' || paid.has(epoch)) continue
      const receipts = await get<Receipt[]>(`receipts?epoch=${epoch}`)
      const cents = receipts.reduce((sum, receipt) => sum + BigInt(receipt.paidCents), 0n)
      log.info('would pay by SEPA', { epoch, owners: receipts.length, cents: cents.toString() })
      paid.add(epoch)
    }
  })
}
