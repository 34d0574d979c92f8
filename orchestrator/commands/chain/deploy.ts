import { parseArgs } from 'node:util'
import type { Deployment } from '#adapters/evm/deploy.ts'
import { parseDuration } from '#config.ts'
import type { Address } from '#domain/ids.ts'
import { createWallTimer } from '#processes/wall-time.ts'
import { printAnswer } from './service.ts'

export const DEPLOY_HELP = `gridcall chain deploy --rpc URL --key-file FILE
    (--token ADDRESS | --play-money) --verifiers A,B,C --quorum N --fee-receiver A
    --payers A,B|anyone --admin A [--admin-delay 48h] [--guardians A,B] [--arbiter A] [--programme NAME] [--outflow-bps N]
    [--dispute-window 24h] [--epoch-window 24h] [--refund-grace 14d] [--held-window 720h]
    [--challenge-bond 100]
    [--out FILE] [--json]
    Sees to a pool and all it stands on, wherever something is missing, and writes a manifest
    (default gridcall-chain.json) that start takes in GRIDCALL_CHAIN_MANIFEST. Run again it sends
    nothing. The bond is in euros, 0 for no challenges. FILE holds the key that pays the gas: 0x and
    64 hexadecimal digits, mode 600.`

const MICRO_PER_EUR = 1_000_000n

/** Ten million euros of play money for each payer. */
const PLAY_MONEY = 10_000_000_000_000n

/** `gridcall chain deploy`: a pool on any EVM chain. */
export async function deploy(args: string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: {
      rpc: text,
      'key-file': text,
      token: text,
      'play-money': { type: 'boolean', default: false },
      verifiers: text,
      quorum: text,
      'fee-receiver': text,
      payers: text,
      admin: text,
      'admin-delay': { type: 'string', default: '48h' },
      guardians: { type: 'string', default: '' },
      arbiter: text,
      programme: { type: 'string', default: 'gridcall' },
      'outflow-bps': { type: 'string', default: '0' },
      'dispute-window': { type: 'string', default: '24h' },
      'epoch-window': { type: 'string', default: '24h' },
      'refund-grace': { type: 'string', default: '14d' },
      'held-window': { type: 'string', default: '720h' },
      'challenge-bond': { type: 'string', default: '100' },
      out: { type: 'string', default: 'gridcall-chain.json' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stderr.write(`${DEPLOY_HELP}\n`)
    return 0
  }
  const given = (name: keyof typeof values): string => {
    const value = values[name]
    if (typeof value === 'string' && value !== '') return value
    throw new Error(`--${name}: expected a value, got none`)
  }
  if ((values.token === undefined) !== values['play-money']) {
    throw new Error('expected either --token ADDRESS or --play-money')
  }
  const payers = given('payers') === 'anyone' ? 'anyone' : addresses('payers', given('payers'))
  const { loadKey } = await import('#adapters/evm/keys.ts')
  const key = await loadKey(given('key-file'))
  const deployment: Deployment = {
    rpcUrl: given('rpc'),
    timer: createWallTimer(),
    deployerKey: key.privateKey,
    programme: given('programme'),
    verifiers: addresses('verifiers', given('verifiers')),
    quorum: whole('quorum', given('quorum')),
    feeReceiver: address('fee-receiver', given('fee-receiver')),
    payers,
    guardians: addresses('guardians', values.guardians),
    admin: {
      address: address('admin', given('admin')),
      delaySeconds: parseDuration(given('admin-delay')),
    },
    disputeWindowSeconds: parseDuration(given('dispute-window')),
    epochWindowSeconds: parseDuration(given('epoch-window')),
    refundGraceSeconds: parseDuration(given('refund-grace')),
    heldWindowSeconds: parseDuration(given('held-window')),
    outflowBps: whole('outflow-bps', given('outflow-bps')),
    challengeBond: BigInt(whole('challenge-bond', given('challenge-bond'))) * MICRO_PER_EUR,
    ...(values.arbiter === undefined ? {} : { arbiter: address('arbiter', values.arbiter) }),
    ...(values.token === undefined ? {} : { token: address('token', values.token) }),
    ...(values['play-money'] && payers !== 'anyone'
      ? { mintTo: payers.map((payer) => ({ address: payer, amount: PLAY_MONEY })) }
      : {}),
  }
  const { deployPool } = await import('#adapters/evm/deploy.ts')
  const { readManifestIfThere, writeManifest } = await import('#adapters/evm/manifest.ts')
  const before = await readManifestIfThere(given('out'))
  const made = await deployPool({ ...deployment, before })
  await writeManifest(given('out'), made)
  const sent = made.transactions.length - (before?.transactions.length ?? 0)
  process.stderr.write(`${made.identity.pool}: ${sent} transactions sent; ${given('out')}\n`)
  printAnswer(values.json, made)
  return 0
}

function addresses(name: string, text: string): Address[] {
  const words = text.split(',').map((each) => each.trim())
  return words.filter((each) => each !== '').map((each) => address(name, each))
}

function address(name: string, text: string): Address {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text as Address
  throw new Error(`--${name}: expected 0x and 40 hexadecimal digits, got ${text}`)
}

function whole(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`--${name}: expected a whole number, got ${text}`)
}
