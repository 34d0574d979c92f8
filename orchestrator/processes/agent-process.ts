import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLog } from '#observability/logger.ts'
import { keepLooking, need, type Running } from './party.ts'
import { createWallTimer } from './wall-time.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Epoch = { readonly epoch: number; readonly state: string }
type Payment = { readonly cents: string }

/**
 * The payout agent: pays owners in euros from what the pool paid to its leaf. It names the account
 * that pays, and lays each paid epoch's pain.001 file into a folder, once, for its bank.
 */
export async function startAgent(environment: Environment): Promise<Running> {
  const party = need(environment, 'GRIDCALL_PARTY')
  const ask = apiOf(environment)
  const timer = createWallTimer()
  const log = createLog({ level: environment.LOG_LEVEL ?? 'info', role: party })
  const folder = need(environment, 'GRIDCALL_PAYMENTS_DIR')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const done = new Set<number>()
  let isReady = false
  return keepLooking(timer, log, async () => {
    isReady ||= await nameAccount(environment, ask)
    const epochs = (await (await ask('GET', '/payouts/epochs')).json()) as Epoch[]
    for (const { epoch, state } of epochs.toReversed()) {
      if (state !== 'paid' || done.has(epoch)) continue
      const file = join(folder, `pain001-epoch-${epoch}.xml`)
      if (!(await isThere(file))) {
        const answer = await ask('GET', `/payouts/epochs/${epoch}/pain001`)
        if (answer.status === 200) await lay(file, await answer.text())
        const path = `/payouts/epochs/${epoch}/payments`
        const payments = (await (await ask('GET', path)).json()) as Payment[]
        const cents = payments.reduce((sum, payment) => sum + BigInt(payment.cents), 0n)
        const figures = { epoch, payments: payments.length, cents: cents.toString() }
        log.info(answer.status === 200 ? 'payment file laid out' : 'nothing to pay', figures)
      }
      done.add(epoch)
    }
  })
}

type Ask = (method: string, path: string, body?: object) => Promise<Response>

function apiOf(environment: Environment): Ask {
  const apiUrl = need(environment, 'GRIDCALL_API_URL')
  const apiKey = need(environment, 'GRIDCALL_API_KEY')
  return async (method, path, body) => {
    const response = await fetch(`${apiUrl}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    return response
  }
}

/** Once, if the service does not know it yet; a change is made over the API. */
async function nameAccount(environment: Environment, ask: Ask): Promise<boolean> {
  const known = (await (await ask('GET', '/agent/account')).json()) as { hasAccount: boolean }
  if (known.hasAccount) return true
  await ask('PUT', '/agent/account', {
    iban: need(environment, 'GRIDCALL_AGENT_IBAN'),
    name: need(environment, 'GRIDCALL_AGENT_NAME'),
  })
  return true
}

/** As a whole: a bank's folder watcher never takes half a file. It holds account numbers. */
async function lay(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text, { mode: 0o600 })
  await rename(`${file}.part`, file)
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
