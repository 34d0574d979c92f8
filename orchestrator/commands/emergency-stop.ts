import { parseArgs } from 'node:util'
import { askService, printAnswer } from './chain/service.ts'

const HELP = `gridcall emergency-stop --point ID | --everywhere  --reason TEXT [--wait SECONDS] [--json]
    ends all control at a congestion point, or everywhere, at once: every device goes back to its
    own default, and none is told anything until the stop is lifted. Waits (10 s unless told
    otherwise) until every device that is reached has said so; exit code 0 only if all have
gridcall emergency-stop --lift STOP [--json]
    lifts a stop: calls may be dispatched again
gridcall emergency-stop --list
    all stops, and how far each has come

All ask the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080) with the key of the
operator or, at its own congestion points, of the DSO in GRIDCALL_API_KEY.`

const OPTIONS = {
  point: { type: 'string' },
  everywhere: { type: 'boolean', default: false },
  reason: { type: 'string' },
  wait: { type: 'string', default: '10' },
  lift: { type: 'string' },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const STOPS = '/v1/emergency-stops'
const LOOK_MS = 50

type Stop = { readonly id: string; readonly told: number; readonly letGo: number }

/** `gridcall emergency-stop`: the last resort of whoever answers for a grid. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const { point, everywhere, reason, lift, list, json } = values
  if (lift !== undefined) {
    printAnswer(json, await askService(`${STOPS}/${encodeURIComponent(lift)}/lift`, {}))
    return 0
  }
  if (list) {
    printAnswer(json, { stops: await stops() })
    return 0
  }
  const isOne = (point !== undefined) !== everywhere
  if (values.help || !isOne || reason === undefined) {
    process.stderr.write(`${HELP}\n`)
    return values.help ? 0 : 2
  }
  const waitMs = seconds(values.wait) * 1000
  const began = performance.now()
  const body = { congestionPointId: point ?? null, reason }
  const made = (await askService(STOPS, body)) as unknown as Stop
  const stop = await awaited(made, began + waitMs)
  const tookMs = Math.round(performance.now() - began)
  printAnswer(json, { ...stop, tookMs })
  return stop.letGo === stop.told ? 0 : 1
}

async function stops(): Promise<Stop[]> {
  return (await askService(STOPS)) as unknown as Stop[]
}

/** Until every device has said that it is at its default, or the time is over. */
async function awaited(made: Stop, deadline: number): Promise<Stop> {
  let stop = made
  while (stop.letGo < stop.told && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const path = `${STOPS}/${encodeURIComponent(made.id)}`
    stop = (await askService(path)) as unknown as Stop
  }
  return stop
}

function seconds(text: string): number {
  const value = Number(text)
  if (value >= 0 && value <= 600) return value
  throw new Error(`--wait: expected seconds from 0 to 600, got ${text}`)
}
