import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { PLAIN, type OcppSecurity } from '#adapters/ocpp/tls.ts'
import { type Authority, createAuthority, fileOf, type Issued } from './certificates.ts'
import { ANSWERS_16, connectStation, type ConnectOptions } from './wire-station.ts'
import { charger, PASSWORD, startWorld, until, type World } from './world.ts'

let authority: Authority
let server: { readonly ecdsa: Issued; readonly rsa: Issued }
let world: World | null = null

beforeAll(async () => {
  authority = await createAuthority('Authority')
  const rsa = await authority.issue('central system', { kind: 'rsa' })
  server = { ecdsa: await authority.issue('central system'), rsa }
})

afterEach(async () => {
  await world?.stop()
  world = null
})

function security(overrides: Partial<OcppSecurity> = {}): OcppSecurity {
  const { ecdsa, rsa } = server
  return {
    ...PLAIN,
    profile: 2,
    certificateFiles: [fileOf(ecdsa.pem), fileOf(rsa.pem)],
    keyFiles: [fileOf(ecdsa.key), fileOf(rsa.key)],
    ...overrides,
  }
}

function mutual(overrides: Partial<OcppSecurity> = {}): OcppSecurity {
  return security({ profile: 3, clientCaFile: fileOf(authority.pem), ...overrides })
}

/** Many handshakes fail, and no station says that it has booted. */
const HASTY = { failuresPerMinute: 1_000, bootGraceMs: 100 }

async function serve(how: OcppSecurity): Promise<World> {
  world = await startWorld({ security: how, ...HASTY })
  return world
}

/** As a station dials: it knows the authority and, in profile 3, has a certificate of its own. */
async function dial(options: ConnectOptions & { certificate?: Issued; identity?: string } = {}) {
  const { certificate, identity = 'CP-1' } = options
  const own = certificate === undefined ? {} : { cert: certificate.pem, key: certificate.key }
  const url = (world as World).driver.url(identity)
  return await connectStation(url, { ...options, identity, tls: { ca: authority.pem, ...own } })
}

/** One handshake. @throws Error of the handshake */
async function shake(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const port = Number(new URL((world as World).driver.url('x')).port)
  const socket = connect({ host: '127.0.0.1', port, ca: authority.pem, ...options })
  await once(socket, 'secureConnect')
  return socket
}

test('files that cannot be used are refused at the start, with a sentence', async () => {
  const foreignKey = fileOf((await authority.issue('other')).key)
  const { ecdsa } = server
  const mixed = { certificateFiles: [fileOf(ecdsa.pem)], keyFiles: [foreignKey] }
  await expect(serve(security(mixed))).rejects.toThrow('OCPP cannot use its certificates: ')
  const absent = { certificateFiles: ['/none.pem'], keyFiles: [foreignKey] }
  await expect(serve(security(absent))).rejects.toThrow('/none.pem')
})

test('whoever speaks plain ws to a door with TLS gets no answer and no WebSocket', async () => {
  const { driver } = await serve(security())
  const plain = driver.url('CP-1').replace('wss:', 'ws:')
  await expect(connectStation(plain, { password: PASSWORD })).rejects.toThrow()
  const socket = connectPlain(Number(new URL(plain).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\n\r\n')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  expect(Buffer.concat(chunks).toString('latin1')).not.toContain('HTTP/1.1 1')
})

test('profile 2 asks for the password, too', async () => {
  await serve(security())
  await expect(dial({ password: 'f'.repeat(40) })).rejects.toThrow('401')
  await expect(dial()).rejects.toThrow('401')
})

test('profile 2: a station is set up over TLS', async () => {
  const { heard, driver } = await serve(security())
  expect(driver.url('CP-1')).toMatch(/^wss:/)
  const station = await dial({ password: PASSWORD, answers: ANSWERS_16 })
  await until('the set-up', () => heard.connected.length === 1)
  await station.close()
})

test.each([
  ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ecdsa'],
  ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ecdsa'],
  ['AES128-GCM-SHA256', 'rsa'],
  ['AES256-GCM-SHA384', 'rsa'],
] as const)('the suite %s is offered, with the %s certificate', async (ciphers, kind) => {
  await serve(security())
  const socket = await shake({ ciphers, maxVersion: 'TLSv1.2' })
  expect(socket.getCipher().name).toBe(ciphers)
  const shown = socket.getPeerCertificate().serialNumber
  expect(Number(shown)).toBe(Number(server[kind].certificate.serialNumber))
  socket.destroy()
})

test('TLS 1.3 is spoken with whoever can', async () => {
  await serve(security())
  const socket = await shake()
  expect(socket.getProtocol()).toBe('TLSv1.3')
  socket.destroy()
})

test.each([
  ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
  ['suites without authenticated encryption', { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }],
] as const)('%s is refused', async (_what, options) => {
  await serve(security())
  await expect(shake({ ...options })).rejects.toThrow(/alert|handshake|version/i)
})

test('certificates that are new in their files are shown to newcomers, nobody is cut off', async () => {
  const how = security()
  const { driver } = await serve(how)
  const before = await dial({ password: PASSWORD })
  const next = { ecdsa: await authority.issue('next'), rsa: server.rsa }
  const [certificateFile = ''] = how.certificateFiles
  const [keyFile = ''] = how.keyFiles
  writeFileSync(certificateFile, next.ecdsa.pem)
  driver.reloadCertificates() // the key is still the old one: not to be used
  const between = await shake()
  expect(between.getPeerCertificate().subject.CN).toBe('central system')
  writeFileSync(keyFile, next.ecdsa.key)
  driver.reloadCertificates()
  const after = await shake()
  expect(after.getPeerCertificate().subject.CN).toBe('next')
  expect((await before.call('Heartbeat', {}))[0]).toBe(3)
  for (const socket of [between, after]) socket.destroy()
  await before.close()
})

test('profile 3: whoever shows no certificate, a foreign or an expired one is refused', async () => {
  const { heard } = await serve(mutual())
  const stranger = await createAuthority('Authority')
  const expired = await authority.issue('CP-1', { until: new Date(Date.now() - 60_000) })
  await expect(dial({ password: PASSWORD })).rejects.toThrow()
  await expect(dial({ certificate: await stranger.issue('CP-1') })).rejects.toThrow()
  await expect(dial({ certificate: expired })).rejects.toThrow()
  const told = () => heard.security.map(({ detail }) => detail).join(' ')
  await until('the events', () => /NOT_RETURN_A_CERTIFICATE.*SIGNATURE.*EXPIRED/.test(told()))
})

test('profile 3: a certificate opens the place of its own name only', async () => {
  const { heard } = await serve(mutual())
  const other = await authority.issue('CP-2')
  await expect(dial({ certificate: other, password: PASSWORD })).rejects.toThrow('401')
  // Enrolled is what counts: a name that nobody enrolled is nobody.
  await expect(dial({ certificate: other, identity: 'CP-2' })).rejects.toThrow('401')
  expect(heard.security.map(({ kind }) => kind)).toContain('wrong-credential')
})

test('profile 3: the right certificate is enough, of either kind', async () => {
  const { heard } = await serve(mutual())
  for (const kind of ['ecdsa', 'rsa'] as const) {
    const certificate = await authority.issue('CP-1', { kind })
    const before = heard.connected.length
    const station = await dial({ certificate, answers: ANSWERS_16 })
    await until('the set-up', () => heard.connected.length > before)
    await station.close()
    await until('the end', () => heard.disconnected.length > before)
  }
})

test('profile 3: what was revoked is refused, as soon as the list says so', async () => {
  const certificate = await authority.issue('CP-1')
  const crl = fileOf(await authority.revoke([]))
  const { driver } = await serve(mutual({ clientCrlFile: crl }))
  const station = await dial({ certificate })
  await station.close()
  writeFileSync(crl, await authority.revoke([certificate.certificate]))
  driver.reloadCertificates()
  await expect(dial({ certificate })).rejects.toThrow()
  const other = await authority.issue('CP-1')
  await (await dial({ certificate: other })).close()
})

test('profile 3: what is revoked while it is connected is closed, others stay', async () => {
  const resources = [charger(), charger({ identity: 'CP-2', password: 'd'.repeat(40) })]
  const crl = fileOf(await authority.revoke([]))
  const how = mutual({ clientCrlFile: crl })
  world = await startWorld({ security: how, ...HASTY }, resources)
  const [certificate, older] = [await authority.issue('CP-1'), await authority.issue('CP-1')]
  const station = await dial({ certificate })
  const other = await dial({ certificate: await authority.issue('CP-2'), identity: 'CP-2' })
  writeFileSync(crl, await authority.revoke([older.certificate]))
  world.driver.reloadCertificates()
  await other.call('Heartbeat', {})
  await station.call('Heartbeat', {})
  writeFileSync(crl, await authority.revoke([older.certificate, certificate.certificate]))
  world.driver.reloadCertificates()
  expect(await station.closed).toContain('1006')
  await other.call('Heartbeat', {})
  await until('the event', () => (world as World).heard.security.length > 0)
  expect(world.heard.security).toMatchObject([
    {
      resourceId: 'charger-CP-1-1',
      kind: 'wrong-credential',
      detail: expect.stringMatching(/trusted no more/),
    },
  ])
  await other.close()
})

test('profile 3: who came by an authority that is trusted no more is closed, too', async () => {
  const ca = fileOf(authority.pem)
  await serve(mutual({ clientCaFile: ca }))
  const station = await dial({ certificate: await authority.issue('CP-1') })
  const next = await createAuthority('Authority')
  writeFileSync(ca, `${authority.pem}\n${next.pem}`)
  ;(world as World).driver.reloadCertificates()
  await station.call('Heartbeat', {})
  writeFileSync(ca, next.pem)
  ;(world as World).driver.reloadCertificates()
  expect(await station.closed).toContain('1006')
})

test('a profile is not lowered by what a station sends', async () => {
  await serve(mutual())
  const certificate = await authority.issue('CP-1')
  const station = await dial({ certificate, answers: ANSWERS_16 })
  await station.call('DataTransfer', { vendorId: 'x', messageId: 'SecurityProfile', data: '1' })
  await station.close()
  const told = station.calls.filter(({ payload }) => JSON.stringify(payload).includes('Security'))
  expect(told).toEqual([])
  await expect(dial({ password: PASSWORD })).rejects.toThrow()
})
