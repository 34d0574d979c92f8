import { join } from 'node:path'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { createLedgerReader } from '#adapters/ledger-rail/reader.ts'
import { LEDGER_CHAIN_ID } from '#domain/pool-books.ts'
import { createLog } from '#observability/logger.ts'
import type { ChainIdentity } from '#ports.ts'
import { createVerificationClient } from '#verifier/http-client.ts'
import { createVerifier } from '#verifier/verifier.ts'
import { keepLooking, need, type Running } from './party.ts'
import { openSignedRounds } from './signed-rounds.ts'
import { createWallTimer } from './wall-time.ts'

/** What a verifier is told: its name, where its key lies, whom to ask, which chain to read. */
type VerifierSettings = {
  readonly party: string
  readonly folder: string
  readonly apiUrl: string
  readonly apiKey: string
  /** null: a ledger without a chain, which is read from the service. */
  readonly rpcUrl: string | null
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
    chain:
      rpcUrl === null
        ? createLedgerReader({ ...settings, timer, domain: identity })
        : createEscrowReader({ rpcUrl, timer, identity }),
    signed: await openSignedRounds(join(settings.folder, `${settings.party}.signed`)),
    verifySignature: verifyEd25519,
    checkMeterSignature,
    log,
  })
  return keepLooking(timer, log, async () => {
    await verifier.tick()
  })
}

function readSettings(environment: Readonly<Record<string, string | undefined>>): VerifierSettings {
  const identity = JSON.parse(need(environment, 'GRIDCALL_CHAIN_IDENTITY')) as ChainIdentity
  return {
    party: need(environment, 'GRIDCALL_PARTY'),
    folder: need(environment, 'GRIDCALL_PARTIES_DIR'),
    apiUrl: need(environment, 'GRIDCALL_API_URL'),
    apiKey: need(environment, 'GRIDCALL_API_KEY'),
    rpcUrl:
      identity.chainId === LEDGER_CHAIN_ID ? null : need(environment, 'GRIDCALL_PARTY_RPC_URL'),
    identity,
  }
}
