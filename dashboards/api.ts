import { hc, type InferResponseType } from 'hono/client'
import type { Api } from '#http/api.ts'
import { keepFile } from './shared/keep-file.ts'

const DEADLINE_MS = 15_000

/** A field that was refused, what was expected there and what came. */
export type FieldProblem = {
  readonly field: string
  readonly expected: string
  readonly got: string
}

/** A refusal of the API, or no answer at all (status 0). */
export class Refused extends Error {
  readonly status: number
  readonly code: string
  readonly problems: readonly FieldProblem[]

  constructor(
    status: number,
    code: string,
    message: string,
    problems: readonly FieldProblem[] = [],
  ) {
    super(message)
    this.status = status
    this.code = code
    this.problems = problems
  }
}

/** Hears of every answer, refusals too: the business time is in its headers. */
export type Hear = (headers: Headers) => void

/**
 * The API as the holder of a key uses it. Every call ends within 15 s.
 * @throws Refused for anything but a success
 */
export function createClient(key: string, hear: Hear) {
  const authorization = `Bearer ${key}`
  const client = hc<Api>(location.origin, {
    headers: { authorization },
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      const signal = AbortSignal.timeout(DEADLINE_MS)
      const answer = await fetch(input, { ...init, signal, cache: 'no-store' }).catch(noAnswer)
      hear(answer.headers)
      if (!answer.ok) throw await refusal(answer)
      return answer
    },
  })
  return { v1: client.v1, authorization }
}

export type Client = ReturnType<typeof createClient>

function noAnswer(reason: unknown): never {
  const isLate = reason instanceof DOMException && reason.name === 'TimeoutError'
  throw new Refused(
    0,
    'no-answer',
    isLate ? 'No answer within 15 s.' : 'The service is not reached.',
  )
}

/**
 * Has the browser keep a file that only the key's holder may have; false: there is none.
 * @throws Refused
 */
export async function download(client: Client, path: string): Promise<boolean> {
  const headers = { authorization: client.authorization }
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const answer = await fetch(path, { headers, signal, cache: 'no-store' }).catch(noAnswer)
  if (!answer.ok) throw await refusal(answer)
  if (answer.status === 204) return false
  const named = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1]
  keepFile(await answer.blob(), named ?? 'statement')
  return true
}

/** What an RFC 9457 problem says, for a person. */
export async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text()
  const problem = readProblem(text)
  const problems = problem.errors ?? []
  const errors = problems.map(
    ({ field, expected, got }) => `${field}: expected ${expected}, got ${got}.`,
  )
  const message = [problem.detail ?? problem.title ?? `The service answered ${answer.status}.`]
  const told = [...message, ...errors].join(' ')
  return new Refused(answer.status, problem.code ?? '', told, problems)
}

type Problem = {
  readonly title?: string
  readonly detail?: string
  readonly code?: string
  readonly errors?: readonly FieldProblem[]
}

function readProblem(text: string): Problem {
  try {
    return JSON.parse(text) as Problem
  } catch {
    return {} // a proxy in between answers in words of its own
  }
}

type Calls = Client['v1']['flexibility-calls']
export type CallSummary = InferResponseType<Calls['$get'], 200>[number]
export type AnyCall = InferResponseType<Calls[':id']['$get'], 200>
export type WholeCall = Extract<AnyCall, { view: 'dso' | 'operator' }>
export type AggregatorCall = Extract<AnyCall, { view: 'aggregator' }>
export type OwnerCall = Extract<AnyCall, { view: 'owner' }>
export type CallState = AnyCall['state']
export type Period = AnyCall['periods'][number]
export type Repair = AnyCall['repairs'][number]
export type CallCorrection = WholeCall['corrections'][number]
export type Decision = InferResponseType<Calls[':id']['decisions']['$get'], 200>[number]
export type OwnDecision = InferResponseType<Client['v1']['owner']['decisions']['$get'], 200>[number]
export type Escrow = NonNullable<WholeCall['escrow']>
export type Allocation = AggregatorCall['allocations'][number]
export type Disputes = InferResponseType<Calls[':id']['disputes']['$get'], 200>
export type Dispute = Disputes['disputes'][number]
export type HeldRest = Disputes['held'][number]
export type CallEvent = InferResponseType<Calls[':id']['events']['$get'], 200>[number]
export type Program = InferResponseType<Client['v1']['programs']['$get'], 200>[number]
export type CongestionPoint = InferResponseType<
  Client['v1']['congestion-points']['$get'],
  200
>[number]
export type Resource = InferResponseType<
  Client['v1']['aggregator']['resources']['$get'],
  200
>[number]
export type AvailabilityForecast = InferResponseType<
  Client['v1']['availability-forecast']['$get'],
  200
>
export type EmergencyStop = InferResponseType<Client['v1']['emergency-stops']['$get'], 200>[number]
type OneResource = Client['v1']['resources'][':id']
export type Limits = InferResponseType<OneResource['limits']['$get'], 200>
export type ChargeNowCost = InferResponseType<OneResource['charge-now']['$get'], 200>
export type Earnings = InferResponseType<Client['v1']['owner']['earnings']['$get'], 200>
export type Payout = InferResponseType<Client['v1']['owner']['payout']['$get'], 200>
export type Parties = InferResponseType<Client['v1']['operator']['parties']['$get'], 200>
export type LedgerAccount = InferResponseType<
  Client['v1']['operator']['ledger']['accounts']['$get'],
  200
>[number]
export type Money = InferResponseType<Client['v1']['operator']['money']['$get'], 200>
type Epochs = Client['v1']['payouts']['epochs']
export type Epoch = InferResponseType<Epochs['$get'], 200>[number]
export type Payment = InferResponseType<Epochs[':epoch']['payments']['$get'], 200>[number]
export type EarningsLine = Earnings['lines'][number]
