import { createAttestor } from '#adapters/evm/attestor.ts'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { createLog } from '#observability/logger.ts'
import type { ChainIdentity, Log, Timer } from '#ports.ts'
import { createVerificationClient } from '#verifier/http-client.ts'
import { createVerifier } from '#verifier/verifier.ts'
import { createWallTimer } from './wall-time.ts'

/** Wall time between two looks at what waits for a signature. */
const TICK_MS = 400

type Running = { readonly stop: () => Promise<void> }

/** What a verifier is told: its name, where its key lies, whom to ask, which chain to read. */
type VerifierSettings = {
  readonly party: string
  readonly folder: string
  readonly apiUrl: string
  readonly apiKey: string
  readonly rpcUrl: string
  readonly identity: ChainIdentity
}

/** A verifier of its own: own key, own process, no database. @throws Error naming a missing setting */
export async function startVerifier(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const settings = readSettings(environment)
  const timer = createWallTimer()
  const log = createLog({ level: environment.LOG_LEVEL ?? 'info', role: settings.party })
  const { rpcUrl, identity } = settings
  const key = await makeOrLoadKey(settings.folder, settings.party)
  const verifier = createVerifier({
    client: createVerificationClient({ ...settings, timer }),
    attestor: createAttestor(key.privateKey, identity),
    chain: createEscrowReader({ rpcUrl, timer, identity }),
    verifySignature: verifyEd25519,
    log,
  })
  return keepLooking(timer, log, async () => {
    await verifier.tick()
  })
}

/** Goes on whatever happens: the service may be away for a while. */
function keepLooking(timer: Timer, log: Log, look: () => Promise<void>): Running {
  let failures = 0
  const loop = timer.every(TICK_MS, 'verification', async () => {
    try {
      await look()
      failures = 0
    } catch (error) {
      failures += 1
      if (failures === 1) log.warn('could not look for work', { error: String(error) })
    }
  })
  return { stop: () => loop.stop() }
}

function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
): VerifierSettings {
  const need = (name: string): string => {
    const value = environment[name]
    if (value === undefined || value === '') throw new Error(`${name}: expected a value, got none`)
    return value
  }
  return {
    party: need('GRIDCALL_PARTY'),
    folder: need('GRIDCALL_PARTIES_DIR'),
    apiUrl: need('GRIDCALL_API_URL'),
    apiKey: need('GRIDCALL_API_KEY'),
    rpcUrl: need('GRIDCALL_PARTY_RPC_URL'),
    identity: JSON.parse(need('GRIDCALL_CHAIN_IDENTITY')) as ChainIdentity,
  }
}

type Epoch = { readonly epoch: number; readonly state: string }
type Receipt = { readonly ownerId: string; readonly amountMinor: string; readonly paidCents: string }

/**
 * The payout agent of a local chain. It pays owners in euros from what the pool paid to its leaf;
 * here, where euros are play money, it checks each epoch's receipts and says what it would pay.
 */
export async function startAgent(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const { party, apiUrl, apiKey } = readSettings(environment)
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
