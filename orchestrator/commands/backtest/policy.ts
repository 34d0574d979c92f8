import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { z } from '@hono/zod-openapi'
import { verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import type { EvidenceBundle } from '#domain/evidence.ts'
import { builtInPolicy, PAYMENT_POLICIES } from '#domain/payment-policies.ts'
import { type PaymentPolicy, policyHash } from '#domain/payment-policy.ts'
import { checkPaymentPolicy } from '#domain/payment-policy-check.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { PolicyChoice, readPolicy } from '#http/policy-schemas.ts'
import { machine, versions } from '../bench/machine.ts'
import { refused } from './csv-table.ts'
import { describeReplays, drawReplays, replayResults } from './policy-report.ts'
import { differenceFromBundle, replay } from './replay.ts'

/** Wall time for one bundle out of a service. */
const REQUEST_MS = 30_000

/** `gridcall backtest policy`: what measured calls would have cost under other rules. */
export async function backtestPolicy(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      call: { type: 'string', multiple: true, default: [] },
      url: { type: 'string' },
      key: { type: 'string' },
      policy: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      svg: { type: 'string' },
    },
  })
  const texts = [
    ...(await Promise.all(positionals.map((file) => readFile(file, 'utf8')))),
    ...(await Promise.all(values.call.map((id) => storedBundle(id, values)))),
  ]
  if (texts.length === 0) throw refused('file', 'an evidence bundle, or --call ID', 'none')
  const bundles = texts.map(checkedBundle)
  const own = ownPolicies(bundles)
  const chosen =
    values.policy.length === 0 ? PAYMENT_POLICIES : await Promise.all(values.policy.map(policyFrom))
  const replays = [...own, ...chosen].map((policy) => replay(policy, bundles))
  const difference = bundles.reduce((sum, bundle) => sum + differenceFromBundle(bundle), 0n)
  if (values.svg !== undefined)
    await writeFile(values.svg, drawReplays({ replays, isOwnFirst: own.length > 0, difference }))
  if (values.json) {
    const results = replayResults({ replays, isOwnFirst: own.length > 0, difference })
    const report = {
      bench: 'backtest policy',
      machine: machine(),
      versions: versions([]),
      seed: 0,
      results,
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } else {
    process.stdout.write(describeReplays({ replays, isOwnFirst: own.length > 0, difference }))
  }
  return 0
}

/** The policy that the calls were ordered under, where it is the same for all of them. */
function ownPolicies(bundles: readonly EvidenceBundle[]): PaymentPolicy[] {
  const policies = bundles.map(({ terms }) => terms.program.paymentPolicy)
  const hashes = new Set(policies.map(policyHash))
  return hashes.size === 1 ? policies.slice(0, 1) : []
}

/** @throws DomainError for a bundle in which anything was changed: nothing is paid by it */
function checkedBundle(text: string): EvidenceBundle {
  const bundle = parseBundle(text.trimEnd())
  const keys = { gateway: verifyEd25519, meter: checkMeterSignature }
  const [first, ...others] = verifyBundle(text.trimEnd(), keys)
  if (first === undefined) return bundle
  const more = others.length === 0 ? '' : ` and ${others.length} other differences`
  throw refused(
    `${bundle.terms.callId}, ${first.line}`,
    first.expected.slice(0, 120),
    `${first.got.slice(0, 120)}${more}`,
  )
}

/** The newest version of the evidence of a measured call, byte for byte. */
async function storedBundle(
  id: string,
  told: { readonly url?: string | undefined; readonly key?: string | undefined },
): Promise<string> {
  const key = told.key ?? process.env.GRIDCALL_API_KEY
  if (key === undefined) throw refused('GRIDCALL_API_KEY or --key', "a DSO's key", 'none')
  const service = told.url ?? process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const url = new URL(`/v1/flexibility-calls/${encodeURIComponent(id)}/evidence`, service)
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(REQUEST_MS),
  })
  const text = await answer.text()
  if (answer.ok) return text
  throw refused('--call', `the evidence of ${id}`, `${answer.status} ${text.slice(0, 200)}`)
}

/** A built-in policy by its name, or a file with what a program is sent as. */
async function policyFrom(text: string): Promise<PaymentPolicy> {
  const builtIn = builtInPolicy(text)
  if (builtIn !== null) return builtIn
  if (!text.endsWith('.json')) {
    const names = PAYMENT_POLICIES.map(({ name }) => name).join(', ')
    throw refused('--policy', `a .json file or one of ${names}`, text)
  }
  const read = z.strictObject(PolicyChoice).safeParse(jsonIn(await readFile(text, 'utf8'), text))
  if (!read.success) {
    const [issue] = read.error.issues
    const field = issue?.path.join('.') ?? ''
    throw refused(`${text}: ${field}`, 'paymentPolicy or paymentCurve', issue?.message ?? 'neither')
  }
  return checkPaymentPolicy('paymentPolicy', readPolicy(read.data))
}

function jsonIn(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused(file, 'JSON', error instanceof Error ? error.message : String(error))
  }
}
