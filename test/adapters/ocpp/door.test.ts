import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Resource } from '#domain/resource.ts'
import { ANSWERS_16, basic, connectStation, type ConnectOptions } from './wire-station.ts'
import { charger, PASSWORD, startWorld, until, type World } from './world.ts'

let world: World

afterEach(async () => {
  await world.stop()
})

/** The raw answer to an upgrade request, as bytes on the wire. */
async function upgrade(
  path: string,
  headers: readonly string[] = [],
): Promise<{ answer: string; ms: number }> {
  const { hostname, port } = new URL(world.driver.url('x'))
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const begun = performance.now()
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      'Host: station',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: ocpp1.6',
      ...headers,
      '\r\n',
    ].join('\r\n'),
  )
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return { answer: Buffer.concat(chunks).toString(), ms: performance.now() - begun }
}

async function station(options: ConnectOptions & { url?: string }) {
  return await connectStation(options.url ?? world.driver.url('CP-1'), options)
}

test('without a credential there is no WebSocket, for known and unknown stations alike', async () => {
  world = await startWorld()
  const known = await upgrade('/ocpp/CP-1')
  const unknown = await upgrade('/ocpp/CP-none')
  expect(known.answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
  expect(known.answer).toContain('WWW-Authenticate: Basic')
  expect(unknown.answer).toBe(known.answer)
})

test('a wrong password and an unknown identity get the same bytes', async () => {
  world = await startWorld()
  const wrong = await upgrade('/ocpp/CP-1', [`Authorization: ${basic('CP-1', 'f'.repeat(40))}`])
  const unknown = await upgrade('/ocpp/CP-9', [`Authorization: ${basic('CP-9', PASSWORD)}`])
  expect(wrong.answer).toMatch(/^HTTP\/1\.1 401 /)
  expect(unknown.answer).toBe(wrong.answer)
})

test('a password of another station does not open this one', async () => {
  const other = charger({ identity: 'CP-2', password: 'a'.repeat(40) })
  world = await startWorld({}, [charger(), other])
  await expect(station({ password: 'a'.repeat(40) })).rejects.toThrow('401')
  const borrowed = { Authorization: basic('CP-2', 'a'.repeat(40)) }
  const { answer } = await upgrade('/ocpp/CP-1', [`Authorization: ${borrowed.Authorization}`])
  expect(answer).toMatch(/^HTTP\/1\.1 401 /)
})

test('the right password under another user name does not open the door', async () => {
  world = await startWorld()
  for (const user of ['CP-2', '', 'CP-1X']) {
    const { answer } = await upgrade('/ocpp/CP-1', [`Authorization: ${basic(user, PASSWORD)}`])
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  }
})

test.each([
  ['an identity of 49 characters', 'x'.repeat(49)],
  ['an identity with a colon', 'CP%3A1'],
  ['an identity with a line break', 'CP%0A1'],
])('%s is nobody, whatever is enrolled', async (_what, encoded) => {
  const identity = decodeURIComponent(encoded)
  const enrolled = { ...charger().connection, identity } as Resource['connection']
  world = await startWorld({}, [{ ...charger(), connection: enrolled }])
  const { answer } = await upgrade(`/ocpp/${encoded}`, [
    `Authorization: ${basic(identity, PASSWORD)}`,
  ])
  expect(answer).toMatch(/^HTTP\/1\.1 401 /)
})

test('an identity comes percent-encoded in the path and plain in the user name', async () => {
  const identity = 'CP 1/ä'
  const known = { ...charger(), connection: { ...charger().connection, identity } } as Resource
  world = await startWorld({}, [known])
  expect(world.driver.url(identity)).toMatch(/\/CP%201%2F%C3%A4$/)
  const one = await station({ url: world.driver.url(identity), identity, password: PASSWORD })
  expect((await one.call('Heartbeat', {}))[0]).toBe(3)
  await one.close()
})

test('paths outside /ocpp/ and plain requests are turned away', async () => {
  world = await startWorld()
  const headers = [`Authorization: ${basic('CP-1', PASSWORD)}`]
  expect((await upgrade('/other/CP-1', headers)).answer).toMatch(/^HTTP\/1\.1 404 /)
  expect((await upgrade('/ocpp/CP-1/more', headers)).answer).toMatch(/^HTTP\/1\.1 404 /)
  const plain = await fetch(world.driver.url('CP-1').replace('ws:', 'http:'))
  expect(plain.status).toBe(426)
})

test('too many failures are answered 429, and the real station still gets in', async () => {
  world = await startWorld({ failuresPerMinute: 3 })
  const attempts: string[] = []
  for (let round = 0; round < 5; round += 1) {
    const { answer } = await upgrade('/ocpp/CP-1', [`Authorization: ${basic('CP-1', 'wrong')}`])
    attempts.push(answer.slice(9, 12))
  }
  expect(attempts).toEqual(['401', '401', '401', '429', '429'])
  const unknown = await upgrade('/ocpp/CP-9')
  expect(unknown.answer).toMatch(/^HTTP\/1\.1 429 /)
  const real = await station({ password: PASSWORD })
  expect(real.socket.readyState).toBe(real.socket.OPEN)
  await real.close()
})

test('a second connection with a wrong password leaves the first one untouched', async () => {
  world = await startWorld()
  const first = await station({ password: PASSWORD })
  await expect(station({ password: 'e'.repeat(40) })).rejects.toThrow('401')
  const [type] = await first.call('Heartbeat', {})
  expect(type).toBe(3)
  await first.close()
  expect(world.heard.security).toEqual([
    {
      resourceId: 'charger-CP-1-1',
      kind: 'wrong-credential',
      detail: '"CP-1": a wrong credential was shown',
    },
  ])
})

test('whoever knocks all the time is told of once, and never with what was shown', async () => {
  world = await startWorld()
  for (let round = 0; round < 4; round += 1) {
    await upgrade('/ocpp/CP-1', [`Authorization: ${basic('CP-1', 'secret-password')}`])
    await upgrade(`/ocpp/CP-none-${round}`)
  }
  expect(world.heard.security.map(({ resourceId, kind }) => [resourceId, kind])).toEqual([
    ['charger-CP-1-1', 'wrong-credential'],
    [null, 'wrong-credential'],
  ])
  const told = JSON.stringify([world.heard.security, world.heard.log])
  expect(told).not.toMatch(/secret-password|127\.0\.0\.1/)
})

test('a second connection with the right password is refused while the first one lives', async () => {
  world = await startWorld()
  const first = await station({ password: PASSWORD })
  await expect(station({ password: PASSWORD })).rejects.toThrow('409')
  expect((await first.call('Heartbeat', {}))[0]).toBe(3)
  await first.close()
  expect(world.heard.security).toMatchObject([
    { resourceId: 'charger-CP-1-1', kind: 'refused-connection' },
  ])
})

test('the newest connection wins once the old one does not answer a ping', async () => {
  world = await startWorld()
  const first = await station({ password: PASSWORD, autoPong: false })
  const second = await station({ password: PASSWORD })
  expect(await first.closed).toContain('1006')
  expect((await second.call('Heartbeat', {}))[0]).toBe(3)
  await second.close()
  expect(world.heard.security).toMatchObject([
    { resourceId: 'charger-CP-1-1', kind: 'replaced-connection' },
  ])
})

test('a station that stops answering pings is found out and reported', async () => {
  world = await startWorld({ pingIntervalMs: 50, pingTimeoutMs: 50, bootGraceMs: 1 })
  const first = await station({ password: PASSWORD, autoPong: false, answers: ANSWERS_16 })
  expect(await first.closed).toContain('1006')
  await until('the log to say so', () =>
    world.heard.log.some((line) => line.fields['reason'] === 'no pong'),
  )
})

test('the password may come as the 20 bytes that its digits stand for', async () => {
  world = await startWorld()
  const raw = await station({ password: Buffer.from(PASSWORD, 'hex') })
  expect((await raw.call('Heartbeat', {}))[0]).toBe(3)
  await raw.close()
})

test('the version comes from the subprotocol in the order of the station, uncompressed', async () => {
  world = await startWorld()
  const both = await station({ password: PASSWORD, protocols: ['ocpp1.6', 'ocpp2.0.1'] })
  expect(both.socket.protocol).toBe('ocpp1.6')
  expect(both.socket.extensions).toBe('')
  await both.close()
})

test('without a common version the handshake completes and the connection is closed', async () => {
  world = await startWorld()
  const { answer } = await withProtocol('ocpp1.2')
  expect(answer).toMatch(/^HTTP\/1\.1 101 /)
  expect(answer).not.toMatch(/sec-websocket-protocol/i)
})

async function withProtocol(protocol: string): Promise<{ answer: string }> {
  const { hostname, port } = new URL(world.driver.url('x'))
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(handshake(protocol))
  const [first] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return { answer: first.toString() }
}

function handshake(protocol: string): string {
  return (
    `GET /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n` +
    `Sec-WebSocket-Protocol: ${protocol}\r\nAuthorization: ${basic('CP-1', PASSWORD)}\r\n\r\n`
  )
}

test('a taken port is refused with a sentence', async () => {
  world = await startWorld()
  const port = Number(new URL(world.driver.url('x')).port)
  await expect(startWorld({ port })).rejects.toThrow(`127.0.0.1:${port}: the port is taken`)
})

test.each(['ocpp1.6', 'ocpp1.2'])(
  'stopping ends in time although a peer on %s does not answer a close frame',
  async (protocol) => {
    world = await startWorld({ bootGraceMs: 100 })
    const { hostname, port } = new URL(world.driver.url('x'))
    const deaf = connect(Number(port), hostname)
    await once(deaf, 'connect')
    deaf.write(handshake(protocol))
    await once(deaf, 'data')
    const begun = performance.now()
    await world.stop()
    expect(performance.now() - begun).toBeLessThan(2_500)
    deaf.destroy()
  },
)

test('stopping closes every connection with 1001 and reports it', async () => {
  world = await startWorld({ bootGraceMs: 100 })
  const one = await station({ password: PASSWORD, answers: ANSWERS_16 })
  await until('the station to be set up', () => world.heard.connected.length === 1)
  await world.stop()
  expect(await one.closed).toBe('1001 the service stops')
  expect(world.heard.disconnected).toEqual([{ id: 'charger-CP-1-1', detail: 'the service stops' }])
})

test('messages are compressed only where that is set, offered, and the version is 2.x', async () => {
  const extensions: [boolean, string, boolean, string][] = [
    [false, 'ocpp2.0.1', true, ''],
    [true, 'ocpp1.6', true, ''],
    [true, 'ocpp2.1', false, ''],
    [true, 'ocpp2.0.1', true, 'permessage-deflate'],
    [true, 'ocpp2.1', true, 'permessage-deflate'],
  ]
  for (const [compression, version, offered, expected] of extensions) {
    if (world !== undefined) await world.stop()
    world = await startWorld({ compression })
    const one = await station({ password: PASSWORD, protocols: [version], deflate: offered })
    expect([compression, version, offered, one.socket.extensions]).toEqual([
      compression,
      version,
      offered,
      expected,
    ])
    expect((await one.call('Heartbeat', {}))[0]).toBe(3)
  }
})

test('a small message that inflates beyond the size limit closes the connection', async () => {
  world = await startWorld({ compression: true })
  const one = await station({ password: PASSWORD, protocols: ['ocpp2.1'] })
  one.raw(JSON.stringify([2, 'big', 'Heartbeat', { filler: 'x'.repeat(5_000_000) }]))
  expect(await one.closed).toMatch(/^1009|^1006/)
})
