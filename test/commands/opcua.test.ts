import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const cli = resolve(import.meta.dirname, '..', '..', 'orchestrator', 'cli.ts')
const THUMBPRINT = 'AB'.repeat(20)
const battery = (id: string, thumbprint: string | null, presentedThumbprint: string | null) => ({
  id,
  connection: {
    protocol: 'opcua',
    endpoint: 'opc.tcp://plant:4840',
    thumbprint,
    presentedThumbprint,
  },
})

let dataDir: string
let url: string
const asked: { method: string; path: string; key: string; body: string }[] = []
const service = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => {
    body += String(chunk)
  })
  request.on('end', () => {
    const { method = '', url: path = '', headers } = request
    asked.push({ method, path, key: headers.authorization ?? '', body })
    if (path.includes('foreign')) response.statusCode = 404
    const resources = [
      battery('new', null, THUMBPRINT),
      battery('known', THUMBPRINT, THUMBPRINT),
      { id: 'charger', connection: { protocol: 'ocpp' } },
    ]
    response.end(JSON.stringify(resources))
  })
})

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'gridcall-opcua-command-'))
  await once(service.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
})
afterAll(() => {
  service.close()
  rmSync(dataDir, { recursive: true })
})

async function opcua(args: string[], input = '') {
  const child = spawn(process.execPath, [cli, 'opcua', ...args], {
    env: {
      PATH: process.env.PATH,
      GRIDCALL_API_URL: url,
      GRIDCALL_API_KEY: 'key',
      GRIDCALL_DATA_DIR: dataDir,
    },
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      out += String(chunk)
    })
  }
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number]
  return { code, out }
}

test('half a command is answered with the help, and asks nobody', async () => {
  const before = asked.length
  for (const args of [[], ['trust', 'a', 'b', '--revoke'], ['trust', '--revoke'], ['user', 'a']]) {
    const { code, out } = await opcua(args)
    expect([args, code]).toEqual([args, 2])
    expect(out).toContain('gridcall opcua trust RESOURCE --revoke')
  }
  expect(asked.length).toBe(before)
})

test('what the service turns down ends with its answer', async () => {
  const { code, out } = await opcua(['trust', 'foreign', THUMBPRINT])
  expect(code).not.toBe(0)
  expect(out).toContain('the service answered 404')
})

test('trust lists what each battery shows, trusts one certificate and revokes it', async () => {
  const { code, out } = await opcua(['trust'])
  expect(code).toBe(0)
  expect(out).toContain(`trusted none, shows ${THUMBPRINT}  <- not the trusted one`)
  expect(out).toContain(`trusted ${THUMBPRINT}, shows ${THUMBPRINT}\n`)
  expect(out).not.toContain('charger')
  expect((await opcua(['trust', 'new', THUMBPRINT])).code).toBe(0)
  expect((await opcua(['trust', 'new', '--revoke'])).out).toContain('none any more')
  const path = '/v1/resources/new/trust'
  const post = { method: 'POST', path, key: 'Bearer key' }
  expect(asked.slice(-2)).toEqual([
    { ...post, body: JSON.stringify({ thumbprint: THUMBPRINT }) },
    { ...post, body: JSON.stringify({ thumbprint: null }) },
  ])
})

test('a user is kept for its gateway only, never shown, and forgotten', async () => {
  const before = asked.length
  const none = await opcua(['user', 'new', 'operator'])
  expect(none.code).not.toBe(0)
  const { code, out } = await opcua(['user', 'new', 'operator'], 'a long secret\n')
  expect(code).toBe(0)
  expect(out).not.toContain('secret')
  const file = join(dataDir, 'pki', 'users', 'new.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    name: 'operator',
    password: 'a long secret',
  })
  expect((await opcua(['user', 'new', '--remove'])).code).toBe(0)
  expect(() => statSync(file)).toThrow('ENOENT')
  expect(asked.length).toBe(before)
})
