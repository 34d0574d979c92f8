import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

const SERVICE = new URL('../../orchestrator/', import.meta.url)

it('every setpoint passes the one place that asks what owners and the law allow', async () => {
  const files = (await readdir(SERVICE, { recursive: true })).filter((name) => name.endsWith('.ts'))
  expect(files.length).toBeGreaterThan(200)
  const orders: string[] = []
  for (const file of files) {
    const text = await readFile(new URL(file, SERVICE), 'utf8')
    if (/\bsetpoints\s*\.order\(/.test(text)) orders.push(file)
  }
  expect(orders).toEqual(['lifecycle/order-setpoints.ts'])
})
