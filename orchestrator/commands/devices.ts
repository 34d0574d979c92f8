import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { z } from '@hono/zod-openapi'
import type { ResourceView } from '#http/resource-view.ts'
import type { SetpointChain } from '#http/setpoint-view.ts'

const HELP = `gridcall devices list [--url URL] [--key KEY] [--json]
    Every device with its connection, what it says it is, and the last link of its newest setpoint.
gridcall devices watch ID [--url URL] [--key KEY] [--json] [--for SECONDS]
    One line for each link of a setpoint's chain as it comes: ordered, acknowledged, effective (read
    back), observed (metered); and what else happens to the device. Ctrl-C ends it, or --for.

    The service stands at --url or GRIDCALL_API_URL (default http://127.0.0.1:8080); the key of an
    aggregator, an owner or the operator comes from --key or GRIDCALL_API_KEY. With --json list
    prints one object, and watch one object per line.`

/** Wall time. */
const REQUEST_MS = 10_000
const LOOK_EVERY_MS = 400

type Resource = z.infer<typeof ResourceView>
type Service = { readonly url: string; readonly key: string; readonly ended: AbortSignal }
type Line = { readonly at: string; readonly what: string; readonly [field: string]: unknown }

/** `gridcall devices`: what devices are there, and whether they do what they are told. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      key: { type: 'string' },
      for: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [word, id] = positionals
  const isList = word === 'list' && id === undefined
  if (values.help || (!isList && (word !== 'watch' || id === undefined))) {
    process.stderr.write(`${HELP}\n`)
    return values.help ? 0 : 2
  }
  const key = values.key ?? process.env.GRIDCALL_API_KEY
  if (key === undefined) throw new Error('GRIDCALL_API_KEY or --key: expected a key, got none')
  const url = values.url ?? process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const ended = new AbortController()
  const end = () => ended.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  const timer = values.for === undefined ? null : setTimeout(end, seconds(values.for) * 1000)
  const service = { url, key, ended: ended.signal }
  try {
    if (id === undefined) await list(service, values.json)
    else await watch(service, id, values.json)
    return 0
  } finally {
    if (timer !== null) clearTimeout(timer)
  }
}

function seconds(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 86_400) return value
  throw new Error(`--for: expected seconds from 1 to 86400, got ${text}`)
}

async function list(service: Service, asJson: boolean): Promise<void> {
  const devices = await get<Resource[]>(service, '/v1/resources')
  if (asJson) return print(JSON.stringify({ devices }))
  for (const { id, kind, connection, health, capability, condition, setpoint } of devices) {
    const name = [capability?.make, capability?.model, capability?.firmware].filter(Boolean)
    const parts = [
      `${kind} over ${capability?.protocol ?? connection.protocol}`,
      health === null ? 'never connected' : health.connected ? 'connected' : 'away',
      ...(name.length > 0 ? [name.join(' ')] : []),
      ...(capability?.quirks ? [`quirks ${capability.quirks}`] : []),
      ...conditionLines(condition).map((line) => sentence(line)),
      setpoint === null ? 'never asked for anything' : lastLink(setpoint),
    ]
    print(`${id}: ${parts.join('; ')}`)
  }
}

function lastLink(setpoint: SetpointChain): string {
  const last = linesOf(setpoint).at(-1)
  return last === undefined ? 'ordered' : sentence(last)
}

/** Says what there is, then what comes; a service that is away for a while is asked again. */
async function watch(service: Service, id: string, asJson: boolean): Promise<void> {
  const path = `/v1/resources/${encodeURIComponent(id)}`
  const told = new Set<string>()
  let from = 0
  let isAway = false
  for (let look = 0; !service.ended.aborted; look++) {
    try {
      const resource = await get<Resource>(service, path)
      const chains = await get<SetpointChain[]>(service, `${path}/setpoints?limit=20`)
      if (look === 0) from = chains[0]?.version ?? 0
      const known = chains.filter(({ version }) => version >= from).reverse()
      const lines = [...stateLines(resource), ...known.flatMap(linesOf)]
      for (const line of lines) {
        const text = JSON.stringify(line)
        if (told.has(text)) continue
        told.add(text)
        print(asJson ? text : `${line.at}  ${sentence(line)}`)
      }
      isAway = false
    } catch (error) {
      if (service.ended.aborted) return
      if (look === 0 || error instanceof Refused) throw error
      if (!isAway) process.stderr.write(`no answer, asking again: ${String(error)}\n`)
      isAway = true
    }
    await pause(service.ended)
  }
}

async function pause(ended: AbortSignal): Promise<void> {
  try {
    await sleep(LOOK_EVERY_MS, undefined, { signal: ended })
  } catch (error) {
    if (!ended.aborted) throw error
  }
}

function stateLines({ health, condition }: Resource): Line[] {
  const connection =
    health === null
      ? []
      : [{ at: health.since, what: health.connected ? 'connected' : 'away', why: health.detail }]
  return [...connection, ...conditionLines(condition)]
}

function conditionLines(condition: Resource['condition']): Line[] {
  if (condition === null) return []
  const { externalLimitW: powerW, externalSource: by, overrideSince, at } = condition
  const limit = powerW === null ? [] : [{ at, what: 'limited-elsewhere', powerW, by }]
  const isOn = overrideSince !== null
  return [...limit, ...(isOn ? [{ at: overrideSince, what: 'driver-override' }] : [])]
}

/** The links of a chain that are there, in order. */
function linesOf(setpoint: SetpointChain): Line[] {
  const { version, callId, validUntil, ordered, acknowledged, effective } = setpoint
  const { observed, refusal } = setpoint
  const lines: Line[] = [{ what: 'ordered', version, ...ordered, callId, validUntil }]
  if (refusal !== null) lines.push({ what: 'refused', version, at: ordered.at, why: refusal })
  if (acknowledged) lines.push({ what: 'acknowledged', version, ...acknowledged })
  if (effective && effective.at !== null) {
    lines.push({ what: 'effective', version, powerW: effective.powerW, at: effective.at })
  } else if (effective && acknowledged) {
    const { powerW } = effective
    lines.push({ what: 'contradicted', version, powerW, at: acknowledged.at })
  }
  if (observed) lines.push({ what: 'observed', version, ...observed })
  return lines
}

function sentence({ what, powerW, strategy, why, by, validUntil, version }: Line): string {
  const power = powerW === null ? 'its own default' : `${String(powerW)} W`
  const number = version === undefined ? '' : `setpoint ${String(version)} `
  const words: Record<string, string> = {
    ordered: `ordered: ${power}, until ${String(validUntil)}`,
    refused: `refused: ${String(why)}`,
    acknowledged: `acknowledged${strategy ? ` as ${String(strategy)}` : ''}`,
    effective: `effective: it says ${power}`,
    contradicted: `not effective: it says ${power}`,
    observed: `observed: its meter says ${power}`,
    connected: `connected: ${String(why)}`,
    away: `away: ${String(why)}`,
    'limited-elsewhere': `limited to ${power} by ${String(by)}`,
    'driver-override': 'its driver asks for full power',
  }
  return number + (words[what] ?? what)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The service has understood, and says no: asking again is of no use. */
class Refused extends Error {}

async function get<T>({ url, key, ended }: Service, path: string): Promise<T> {
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.any([ended, AbortSignal.timeout(REQUEST_MS)]),
  })
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as T
  const answer = `the service answered ${response.status}: ${text}`
  throw response.status < 500 ? new Refused(answer) : new Error(answer)
}
