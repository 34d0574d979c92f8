import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { readProposal } from '#adapters/evm/proposal.ts'
import { verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { statementOf } from '#domain/evidence.ts'
import { effectDifferences } from '#domain/network/check-effects.ts'
import { type Difference, parseBundle, verifyBundle } from '#domain/verification.ts'
import { createWallTimer } from '#processes/wall-time.ts'
import { compareWithLedger } from './verify/ledger.ts'
import { verifyReceiptFile } from './verify/receipt.ts'

const HELP = `gridcall verify FILE [--json] [--feeder FILE] [--chain URL --pool ADDRESS | --ledger URL|FILE]
gridcall verify --receipt FILE [--json] [--chain URL --pool ADDRESS | --ledger URL|FILE]

Recomputes an evidence bundle on its own: every hash, gateway signature, baseline, delivery and
cent. With --feeder also the effects of devices at the branch that is short, from the feeder's JSON
(docs/network.md), which has to be the one in the terms. With --receipt the file is an owner's
receipt: that its lines stand in the evidence. With --chain either is compared with what was proposed to the pool; with --ledger with what a ledger without
a chain published: its service (any party's key in GRIDCALL_API_KEY), or the books that were saved of
it, which are recomputed first. Exit code 0: nothing differs.`

/** `gridcall verify`: no service, no database. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      receipt: { type: 'string' },
      feeder: { type: 'string' },
      chain: { type: 'string' },
      pool: { type: 'string' },
      ledger: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.receipt !== undefined && !values.help) {
    return verifyReceiptFile(values.receipt, values)
  }
  const [file] = positionals
  if (values.help || file === undefined) {
    process.stdout.write(`${HELP}\n`)
    return values.help ? 0 : 2
  }
  const text = (await readFile(file, 'utf8')).trimEnd()
  const bundle = parseBundle(text)
  const differences = verifyBundle(text, { gateway: verifyEd25519, meter: checkMeterSignature })
  if (values.feeder !== undefined) {
    const feeder: unknown = JSON.parse(await readFile(values.feeder, 'utf8'))
    differences.push(...effectDifferences(bundle.terms, feeder))
  }
  if (values.chain !== undefined) {
    if (values.pool === undefined) throw new Error('--pool: expected the address of the pool')
    differences.push(...(await compareWithChain(text, values.chain, values.pool)))
  }
  if (values.ledger !== undefined) {
    differences.push(...(await compareWithLedger(bundle, values.ledger)))
  }
  const { root, amounts } = summary(text)
  if (values.json) {
    const ok = differences.length === 0
    process.stdout.write(`${JSON.stringify({ ok, root, ...amounts, differences })}\n`)
  } else {
    process.stdout.write(describe(root, amounts, differences, bundle.settlement.lines))
  }
  return differences.length === 0 ? 0 : 1
}

type Amounts = {
  readonly callId: string
  readonly escrowMinor: string
  readonly paidMinor: string
  readonly feeMinor: string
  readonly heldMinor: string
  readonly refundMinor: string
}

function summary(text: string): { root: string; amounts: Amounts } {
  const bundle = parseBundle(text)
  const { payout, fee, held, refund } = bundle.settlement
  return {
    root: statementOf(bundle).evidenceRoot,
    amounts: {
      callId: bundle.terms.callId,
      escrowMinor: (bundle.rest?.amount ?? bundle.escrow.terms.amount).toString(),
      paidMinor: payout.toString(),
      feeMinor: fee.toString(),
      heldMinor: held.toString(),
      refundMinor: refund.toString(),
    },
  }
}

async function compareWithChain(text: string, rpcUrl: string, pool: string): Promise<Difference[]> {
  const timer = createWallTimer()
  const bundle = parseBundle(text)
  const { terms, requestId } = bundle.escrow
  const statement = statementOf(bundle)
  const { requestId: proposedFor, round } = statement
  const at = { rpcUrl, timer, pool: pool as `0x${string}` }
  const proposal = await readProposal({ ...at, requestId: proposedFor, round })
  const reader = createEscrowReader({ rpcUrl, timer, identity: proposal.identity })
  const pairs: [string, unknown, unknown][] = [
    ['request id', requestId, reader.requestId(terms)],
    ['escrow on chain', bundle.rest?.amount ?? terms.amount, proposal.amount],
    ['evidence root on chain', statement.evidenceRoot, proposal.evidenceRoot],
    ['bundle hash on chain', statement.bundleHash, proposal.bundleHash],
    ['payout on chain', statement.payoutTotal, proposal.payoutTotal],
    ['fee on chain', statement.feeTotal, proposal.feeTotal],
    ['held on chain', statement.heldTotal, proposal.heldTotal],
  ]
  return pairs
    .filter(([, got, expected]) => String(got) !== String(expected))
    .map(([line, got, expected]) => ({ line, got: String(got), expected: String(expected) }))
}

function describe(
  root: string,
  amounts: Amounts,
  differences: readonly Difference[],
  lines: readonly { resourceId: string; gross: bigint; reason: string }[],
): string {
  const out = [`call ${amounts.callId}`, `root ${root}`]
  for (const { resourceId, gross, reason } of lines) {
    out.push(`  ${resourceId.padEnd(20)} ${String(gross).padStart(12)} ${reason}`)
  }
  const { escrowMinor, paidMinor, feeMinor, heldMinor, refundMinor } = amounts
  const held = heldMinor === '0' ? '' : ` + held ${heldMinor}`
  const parts = `paid ${paidMinor} + fee ${feeMinor}${held} + refund ${refundMinor}`
  out.push(`escrow ${escrowMinor} = ${parts}`)
  for (const { line, expected, got } of differences) {
    out.push(`differs: ${line}: expected ${expected}, got ${got}`)
  }
  out.push(differences.length === 0 ? 'nothing differs' : `${differences.length} differ`, '')
  return out.join('\n')
}
