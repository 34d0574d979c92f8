import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type OPCUACertificateManager, OpenSecureChannelResponse, SecurityPolicy } from 'node-opcua'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { userFile } from '#adapters/opcua/identity.ts'
import { sunspecDer } from '#adapters/opcua/products/sunspec-der.ts'
import { resourceId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { serverPki, startBatteryServer, trust } from './battery-server.ts'
import { type ProductServerOptions, startProductServer } from './product-server.ts'
import { battery, type Recorder, recorder, setpoint, until } from './world.ts'

const businessNow = 1_700_000_000_000
const soon = instant(businessNow + 900_000)
const user = { name: 'operator-7', password: 'correct horse battery staple' }

let folder: string
let pkiFolder: string
let manager: OPCUACertificateManager
let driver: OpcuaDriver
let seen: Recorder

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-security-'))
  pkiFolder = path.join(folder, 'gateway')
  manager = await serverPki(path.join(folder, 'battery'))
  seen = recorder()
  driver = createOpcuaDriver({
    clock: { now: () => instant(businessNow), speed: 1 },
    timer: wallTimer,
    log: seen.log,
    pkiFolder,
    meteringIntervalSeconds: 30,
  })
  await trust(manager, (await driver.clientCertificate()).pem)
  await driver.start(seen)
}, 60_000)

afterAll(async () => {
  await driver?.stop()
  await rm(folder, { recursive: true })
})

async function keepUser(name: string, text: string): Promise<void> {
  const file = userFile(pkiFolder, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
  await chmod(file, 0o600)
}

/** Runs a server and answers what the driver told of it first, or once it is connected. */
async function told(
  name: string,
  options: ProductServerOptions & { as?: 'password' | 'certificate' },
  whenConnected?: () => Promise<void>,
): Promise<string> {
  const server = await startProductServer(manager, sunspecDer, options)
  const id = resourceId(name)
  try {
    const url = `opc.tcp://127.0.0.1:${server.port}`
    await driver.attach(battery(name, url, server.thumbprint, sunspecDer.name, options.as))
    await until('a word', () => seen.lastDetail(id) !== undefined, 30_000)
    const detail = seen.lastDetail(id) ?? ''
    if (whenConnected) {
      expect([detail, seen.isConnected(id)]).toEqual([detail, true])
      await whenConnected()
    } else {
      expect([detail, seen.connections(id)]).toEqual([detail, 0])
    }
    return detail
  } finally {
    await server.stop()
  }
}

test.each([SecurityPolicy.Basic128Rsa15, SecurityPolicy.Basic256])(
  'a server that offers only the weak policy %s is refused, although it signs and encrypts',
  async (policy) => {
    const name = policy.slice(policy.lastIndexOf('#') + 1)
    const detail = await told(`weak-${name}`, { policies: [policy] })
    expect(detail).toContain('expected an endpoint with SignAndEncrypt, Aes256_Sha256_RsaPss or')
    expect(detail).toContain(`got SignAndEncrypt ${name}`)
  },
)

test('Aes128_Sha256_RsaOaep is taken where it is all there is', async () => {
  const options = { policies: [SecurityPolicy.Aes128_Sha256_RsaOaep] }
  expect(await told('aes128', options, async () => {})).toMatch(/^Aes128_Sha256_RsaOaep, REMOTE/)
})

test('a certificate made for another application than the server says it is, is refused', async () => {
  const detail = await told('other-application', { applicationUri: 'urn:somebody:else' })
  expect(detail).toMatch(
    /certificate refused: it was made for urn:.* calls itself urn:somebody:else/,
  )
})

test('without a password on this machine nothing is sent, and the command that keeps one is named', async () => {
  const detail = await told('no-password', { user, as: 'password' })
  expect(detail).toContain('gridcall opcua user no-password NAME')
})

test('a server that wants a user does not get an anonymous one', async () => {
  expect(await told('anonymous', { user })).toContain(
    'an anonymous user inside, got SignAndEncrypt',
  )
})

test('a wrong password is told in words, and a broken file without its text', async () => {
  await keepUser('wrong', JSON.stringify({ ...user, password: 'guessed' }))
  expect(await told('wrong', { user, as: 'password' })).toContain('turns our user down')
  await keepUser('broken', '{"name": "x", "password": 12345678')
  expect(await told('broken', { user, as: 'password' })).toContain('expected {"name", "password"}')
})

test('user and password open a session, and stand in no log and no answer', async () => {
  await keepUser('right', JSON.stringify(user))
  await told('right', { user, as: 'password' }, async () => {
    const id = resourceId('right')
    await driver.apply(id, setpoint(id, 1, -1000, soon), 3000)
  })
  const everything = JSON.stringify([seen.lines, seen.told, seen.securityEvents])
  expect(everything).not.toContain(user.password)
  expect(everything).not.toMatch(/guessed|12345678/)
})

test('our own certificate opens a session as a user, too', async () => {
  expect(await told('x509', { as: 'certificate' }, async () => {})).toContain('REMOTE')
})

test('a user without the right to write is read, and each order is refused with a sentence', async () => {
  const detail = await told('reader', { isReadOnly: true }, async () => {
    const id = resourceId('reader')
    const order = driver.apply(id, setpoint(id, 1, -1000, soon), 3000)
    await expect(order).rejects.toMatchObject({ code: 'device-refused' })
    await expect(order).rejects.toThrow('our user may not do this at the battery')
    expect(await driver.readBack(id, 2000)).toEqual({ kind: 'default' })
  })
  expect(detail).toContain('our user may only read')
})

test('clocks that are too far apart are named as such', async () => {
  // ERR of OPC UA TCP (Part 6, 7.1.2.5): BadInvalidTimestamp, no reason.
  const answer = Buffer.alloc(16)
  answer.write('ERRF', 0)
  answer.writeUInt32LE(16, 4)
  answer.writeUInt32LE(0x80230000, 8)
  answer.writeInt32LE(-1, 12)
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.end(answer))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as net.AddressInfo
  const skewed = battery('skewed', `opc.tcp://127.0.0.1:${port}`, null)
  await driver.attach(skewed)
  await until('a word', () => seen.lastDetail(skewed.id) !== undefined)
  expect(seen.lastDetail(skewed.id)).toContain("the battery's clock and ours are too far apart")
  server.close()
})

test('a stranger in place of a trusted battery is a security event, told once', async () => {
  const id = resourceId('replaced')
  const server = await startProductServer(manager, sunspecDer)
  const url = `opc.tcp://127.0.0.1:${server.port}`
  await driver.attach(battery('replaced', url, 'AB'.repeat(20), sunspecDer.name))
  await until('the event', () => seen.securityEvents.some(({ resourceId: of }) => of === id))
  expect(seen.securityEvents.filter(({ resourceId: of }) => of === id)).toMatchObject([
    { kind: 'refused-connection', detail: expect.stringContaining(server.thumbprint) },
  ])
  await server.stop()
})

test('limits set elsewhere and LOCAL control are told as they come and go', async () => {
  const id = resourceId('limited')
  const server = await startProductServer(manager, sunspecDer, {
    values: { MaxChargePower: 2000 },
    looksEveryMs: 200,
  })
  const url = `opc.tcp://127.0.0.1:${server.port}`
  await driver.attach(battery('limited', url, server.thumbprint, sunspecDer.name))
  const limits = () => seen.limits.filter((one) => one.id === id).map(({ limitW }) => limitW)
  await until('the limit', () => limits().length === 1, 30_000)
  expect(seen.limits.at(-1)?.source).toBe('MaxChargePower 2000 of 5000 W')
  const told = () => seen.capabilities.filter((one) => one.id === id).length
  const before = told()
  expect(before).toBeGreaterThan(0)
  server.set('ControlMode', 1)
  await until('LOCAL', () => limits().length === 2)
  server.set('ControlMode', 0)
  server.set('MaxChargePower', 5000)
  await until('its end', () => limits().at(-1) === null)
  expect(limits().slice(0, 2)).toEqual([2000, 0])
  expect(told()).toBeGreaterThan(before)
  await server.stop()
}, 40_000)

test('a server that grants the keys of a channel for weeks does not have them renewed at once', async () => {
  let grants = 0
  const server = await startBatteryServer(manager, {
    channel(channel) {
      const send = channel.send_response.bind(channel)
      channel.send_response = (type, response, message, done) => {
        if (response instanceof OpenSecureChannelResponse) {
          grants += 1
          response.securityToken.revisedLifetime = 2 ** 32 - 1
        }
        send(type, response, message, done)
      }
    },
  })
  const id = resourceId('generous')
  try {
    const url = `opc.tcp://127.0.0.1:${server.port}`
    await driver.attach(battery('generous', url, server.thumbprint))
    await until('the connection', () => seen.isConnected(id), 30_000)
    expect(grants).toBeGreaterThan(0)
    const before = grants
    await delay(500)
    expect(grants).toBe(before)
  } finally {
    await driver.detach?.(id)
    await server.stop()
  }
})
