/**
 * A whole call through the real service in which the only battery is a server made with the Python
 * package `asyncua`: our NodeSet file in it, or plain variables; and killed in mid-window.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OperatorCallView } from '#demo/views.ts'
import { describeWith } from '#test/support/describe-with.ts'
import { INTERVAL_MS, type Service, startService, until } from './opcua-service.ts'
import { python } from './python.ts'

const nodeset = fileURLToPath(import.meta.resolve('#adapters/opcua/gridcall-bess.xml'))

type Told = {
  kind: string
  at: string
  endpoint?: string
  thumbprint?: string
  watts?: number
  on?: boolean
}

/** Starts a server; one that stands by has loaded all it needs, and comes up when it is let. */
async function standBy(id: string, model: 'nodeset' | 'plain', service: Service, port: string) {
  const folder = join(service.folder, id)
  await mkdir(folder, { recursive: true })
  const script = join(import.meta.dirname, 'opcua_battery.py')
  const args = [script, model, port, folder, service.certificateFile, nodeset, 'stand-by']
  const child = spawn(python, args)
  const told: Told[] = []
  const complaints: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line) as Told))
  child.stderr.on('data', (chunk) => complaints.push(String(chunk)))
  const toTell = (kind: string) =>
    until(`the battery to tell "${kind}"`, 60_000, async () => {
      if (child.exitCode !== null) throw new Error(complaints.join(''))
      return told.find((one) => one.kind === kind)
    })
  await toTell('stands by')
  return async () => {
    child.stdin.end('go\n')
    return batteryOf(child, told, await toTell('up'))
  }
}

async function startBattery(id: string, model: 'nodeset' | 'plain', service: Service) {
  const comeUp = await standBy(id, model, service, '0')
  return comeUp()
}

function batteryOf(child: ChildProcess, told: readonly Told[], up: Told) {
  const endpoint = up.endpoint ?? ''
  return {
    endpoint,
    thumbprint: up.thumbprint ?? '',
    told,
    port: new URL(endpoint.replace('opc.tcp', 'http')).port,
    orders: () => told.filter(({ kind }) => kind === 'order'),
    releases: () => told.filter(({ kind }) => kind === 'release' || kind === 'reverted'),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

type Battery = Awaited<ReturnType<typeof startBattery>>

describeWith('python3-venv', 'batteries of the Python package asyncua', () => {
  let service: Service
  const running: Battery[] = []

  beforeAll(async () => {
    service = await startService()
  }, 420_000)
  afterAll(async () => {
    await Promise.all(running.map((one) => one.kill()))
    await service?.stop()
  }, 120_000)

  async function enrolled(id: string, model: 'nodeset' | 'plain'): Promise<Battery> {
    const battery = await startBattery(id, model, service)
    running.push(battery)
    const { endpoint, thumbprint } = battery
    const product = model === 'nodeset' ? 'gridcall-bess' : 'plain-pcs'
    await service.enrol(id, { endpoint, thumbprint, product })
    return battery
  }

  /** More than nothing, by nobody else. */
  function expectPaid(call: OperatorCallView, id: string, { told }: Battery): void {
    expect(call.allocations.map(({ resourceId }) => resourceId)).toEqual([id])
    const { periods, lines, repairs } = call
    const course = `${JSON.stringify({ lines, repairs, periods, told })}\n${service.lastWords()}`
    expect(call.deliveredWh, course).toBeGreaterThan(0)
    expect(Number(call.escrow?.paidMinor), course).toBeGreaterThan(0)
    process.stderr.write(
      `${id}: delivered ${call.deliveredWh} Wh of ${call.orderedWh}, ` +
        `paid ${call.escrow?.paidMinor} micro-EUR\n`,
    )
  }

  test.concurrent('our NodeSet in its server: it alone delivers and is paid, and is let go', async () => {
    const there = await enrolled('battery-1', 'nodeset')
    const { id } = await service.order('battery-1', 6000, 2)
    expectPaid(await service.paid(id), 'battery-1', there)
    expect(there.orders().at(0)).toMatchObject({ watts: 6000 })
    expect(there.releases().length).toBeGreaterThan(0)
  }, 420_000)

  test.concurrent('plain variables without methods: it alone delivers and is paid, and is let go', async () => {
    const there = await enrolled('battery-2', 'plain')
    const { id } = await service.order('battery-2', 6000, 2)
    expectPaid(await service.paid(id), 'battery-2', there)
    expect(there.orders().some(({ watts }) => watts === 6000)).toBe(true)
    expect(there.releases().length).toBeGreaterThan(0)
  }, 420_000)

  test.concurrent('killed and started again in mid-window, it goes on to deliver and is paid', async () => {
    const first = await enrolled('battery-3', 'nodeset')
    const { id, startMs, endMs } = await service.order('battery-3', 6000, 4)
    await until('its order', 60_000, async () => first.orders().at(0))
    // What it loads takes seconds that differ between machines: it is loaded before.
    const comeUp = await standBy('battery-3', 'nodeset', service, first.port)
    // Right after a boundary: one reading tells of the outage, and a single one is forgiven.
    await delay(Math.max(0, startMs + 2 * INTERVAL_MS + 300 - Date.now()))
    await first.kill()
    const second = await comeUp()
    running.push(second)
    const again = await until('its order after the restart', 30_000, async () =>
      second.orders().at(0),
    )
    expect(Date.now()).toBeLessThan(endMs)
    expect(again).toMatchObject({ watts: 6000, result: 0 })
    const call = await service.paid(id)
    expectPaid(call, 'battery-3', second)
    expect(call.periods.at(-1)?.measuredW).toBeLessThan(-5000)
    expect(second.orders().every(({ watts }) => watts === 6000)).toBe(true)
  }, 460_000)
})
