import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { formatApiKey, readApiKey, ROLES, sha256Hex } from '#domain/api-key.ts'
import type { DomainErrorCode } from '#domain/errors.ts'
import {
  type Address,
  congestionPointId,
  organisationId,
  ownerId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { addSeconds } from '#domain/time.ts'
import { authenticate } from '#lifecycle/authenticate.ts'
import { changeOffer } from '#lifecycle/change-offer.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { ensureFirstOperator } from '#lifecycle/first-start.ts'
import { importHistory } from '#lifecycle/import-history.ts'
import { registerCongestionPoint } from '#lifecycle/register-congestion-point.ts'
import { registerOrganisation } from '#lifecycle/register-organisation.ts'
import { registerOwner } from '#lifecycle/register-owner.ts'
import { registerSite } from '#lifecycle/register-site.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
import { trustCertificate } from '#lifecycle/trust-certificate.ts'
import type { Ports, Topic } from '#ports.ts'
import { createWorld } from '#simulations/world.ts'
import { aProgram, aResource, WINDOW_START } from '../support/builders.ts'

const ADDRESS = `0x${'Ab'.repeat(20)}` as Address
const IBAN = 'NL91ABNA0417164300'

let ports: Ports
let notified: Topic[]

beforeEach(async () => {
  const world = createWorld({ start: WINDOW_START, ...aProgram() })
  await world.boot()
  notified = []
  const { wakeUps } = world.ports()
  ports = {
    ...world.ports(),
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    wakeUps: {
      wakeCall: wakeUps.wakeCall,
      subscribe: wakeUps.subscribe,
      notify: async (topic) => void notified.push(topic),
    },
  }
  await world.stop()
})

const refusedAs = (code: DomainErrorCode, field?: string) =>
  expect.objectContaining({
    code,
    problems: field === undefined ? [] : [expect.objectContaining({ field })],
  })

async function anAggregator() {
  const aggregator = { kind: 'aggregator', name: 'Sun Pool', aggregatorShareBp: 1500 } as const
  const { organisation } = await registerOrganisation(ports, aggregator)
  return organisation.id
}

async function aSite(aggregatorId = organisationId('nobody')) {
  const { owner } = await registerOwner(ports, aggregatorId, {
    payout: { kind: 'agent', iban: IBAN },
  })
  const dso = await registerOrganisation(ports, { kind: 'dso', name: 'North', address: ADDRESS })
  const point = await registerCongestionPoint(ports, { dsoId: dso.organisation.id, name: 'N' })
  const where = { ownerId: owner.id, congestionPointId: point.id }
  return registerSite(ports, aggregatorId, where)
}

const { rating, offer } = aResource('x', 'charger', 100_000n)
const charger = (site: string, changes: object = {}) => ({
  kind: 'charger' as const,
  siteId: siteId(site),
  rating,
  offer,
  connection: { protocol: 'ocpp' as const },
  ...changes,
})

describe('keys', () => {
  test('what was mistyped, cut or invented is nobody’s', async () => {
    const { key } = await registerOrganisation(ports, { kind: 'operator', name: 'O' })
    expect(await authenticate(ports, key)).toMatchObject({ role: 'operator' })
    const wrong = ['', 'x', key.slice(0, -1), `${key}A`, key.replace('operator', 'dso')]
    const other = formatApiKey('operator', new Uint8Array(32))
    for (const text of [...wrong, other]) expect(await authenticate(ports, text)).toBeNull()
  })

  test('a malformed key never reaches the database', async () => {
    const unreachable: Ports = {
      ...ports,
      store: { ...ports.store, transaction: () => Promise.reject(new Error('reached it')) },
    }
    expect(await authenticate(unreachable, 'gc_dso_short')).toBeNull()
    const typo = formatApiKey('dso', new Uint8Array(32)).replace('AAAA', 'AAAB')
    expect(await authenticate(unreachable, typo)).toBeNull()
    const real = authenticate(unreachable, formatApiKey('dso', new Uint8Array(32)))
    await expect(real).rejects.toThrow('reached it')
  })

  test('any secret makes a key that is read back, with its role and its hash', () => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(fc.constantFrom(...ROLES), secret, (role, bytes) => {
        const key = formatApiKey(role, bytes)
        expect(key).toMatch(/^gc_[a-z]+_[\w-]{49}$/)
        expect(readApiKey(key)).toEqual({ role, sha256: sha256Hex(key) })
      }),
    )
  })

  test('any change of one character is noticed before the database is asked', () => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const character = fc.constantFrom(...'ABCabc019_-'.split(''))
    fc.assert(
      fc.property(secret, fc.nat(48), character, (bytes, place, other) => {
        const key = formatApiKey('dso', bytes)
        const at = 'gc_dso_'.length + place
        fc.pre(key[at] !== other)
        expect(readApiKey(key.slice(0, at) + other + key.slice(at + 1))).toBeNull()
      }),
    )
  })

  test('the first start makes one operator’s key, and no later start another', async () => {
    const keys = await Promise.all([ensureFirstOperator(ports), ensureFirstOperator(ports)])
    const [key] = keys.filter((made) => made !== null)
    expect(keys.filter((made) => made !== null)).toHaveLength(1)
    expect(await authenticate(ports, key as string)).toMatchObject({ role: 'operator' })
    expect(await ensureFirstOperator(ports)).toBeNull()
  })

  test('only hashes are kept', async () => {
    const saved: unknown[] = []
    const { store } = ports
    const watched: Ports = {
      ...ports,
      store: {
        ...store,
        transaction: (work) =>
          store.transaction((tx) => {
            const save = async (key: Parameters<typeof tx.keys.save>[0]) => {
              saved.push(key)
              await tx.keys.save(key)
            }
            return work({ ...tx, keys: { ...tx.keys, save } })
          }),
      },
    }
    const { key } = await registerOrganisation(watched, { kind: 'aggregator', name: 'A' })
    expect(saved).toEqual([
      expect.objectContaining({ keySha256: sha256Hex(key), role: 'aggregator', ownerId: null }),
    ])
  })
})

describe('enrolment', () => {
  test('a name that cannot be printed is refused', async () => {
    for (const name of ['', '  ', 'a\nb', 'x'.repeat(121)]) {
      await expect(registerOrganisation(ports, { kind: 'aggregator', name })).rejects.toEqual(
        refusedAs('malformed', 'name'),
      )
    }
  })

  test('a program for a DSO that is not there is refused', async () => {
    await expect(saveProgram(ports, aProgram())).rejects.toEqual(refusedAs('not-found', 'dsoId'))
  })

  test('a program without time to settle is refused', async () => {
    const program = aProgram({ settleBySeconds: 120 })
    await expect(saveProgram(ports, program)).rejects.toEqual(
      refusedAs('malformed', 'settleBySeconds'),
    )
  })

  test('the same program may be saved again, a newer one replaces it', async () => {
    const dso = await registerOrganisation(ports, { kind: 'dso', name: 'N', address: ADDRESS })
    const dsoId = dso.organisation.id
    await saveProgram(ports, aProgram({ dsoId }))
    await saveProgram(ports, aProgram({ dsoId }))
    await saveProgram(ports, aProgram({ dsoId, version: 2, noticeSeconds: 600 }))
    const inForce = await ports.store.transaction((tx) => tx.organisations.program(dsoId))
    expect(inForce).toMatchObject({ version: 2, noticeSeconds: 600 })
  })

  test('a site needs an owner of one’s own and a congestion point', async () => {
    const mine = await anAggregator()
    const theirs = await anAggregator()
    const site = await aSite(theirs)
    const { ownerId: foreign, congestionPointId: point } = site
    const register = (who: string, where: string) =>
      registerSite(ports, mine, {
        ownerId: ownerId(who),
        congestionPointId: congestionPointId(where),
      })
    await expect(register(foreign, point)).rejects.toEqual(refusedAs('not-found', 'ownerId'))
    await expect(register('nobody', point)).rejects.toEqual(refusedAs('not-found', 'ownerId'))
    const { owner } = await registerOwner(ports, mine, {
      payout: { kind: 'wallet', address: ADDRESS },
    })
    await expect(register(owner.id, 'nowhere')).rejects.toEqual(
      refusedAs('unknown-congestion-point', 'congestionPointId'),
    )
  })

  test('an IBAN is handed to its own table and to nothing else', async () => {
    const mine = await anAggregator()
    const made = await registerOwner(ports, mine, { payout: { kind: 'agent', iban: IBAN } })
    expect(JSON.stringify(made)).not.toContain(IBAN)
    const owner = await ports.store.transaction((tx) => tx.resources.owner(made.owner.id))
    expect(owner).toEqual({ id: made.owner.id, aggregatorId: mine, payout: { kind: 'agent' } })
  })

  test('a wallet is kept in lower case, so that one party is one text', async () => {
    const mine = await anAggregator()
    const payout = { kind: 'wallet', address: ADDRESS } as const
    const { owner } = await registerOwner(ports, mine, { payout })
    expect(owner.payout).toEqual({ kind: 'wallet', address: ADDRESS.toLowerCase() })
  })

  test('a station gets an identity and a password that is shown once and kept as a hash', async () => {
    const mine = await anAggregator()
    const site = await aSite(mine)
    const { resource, password } = await enrolResource(ports, mine, charger(site.id))
    expect(password).toMatch(/^[0-9a-f]{40}$/)
    expect(resource.connection).toEqual({
      protocol: 'ocpp',
      identity: resource.id,
      connectorId: 1,
      passwordSha256: sha256Hex(password as string),
    })
    expect(resource).toMatchObject({
      ownerId: site.ownerId,
      congestionPointId: site.congestionPointId,
    })
  })

  test('gateways are told only after the resource is there, and the event names no owner’s data', async () => {
    const mine = await anAggregator()
    const site = await aSite(mine)
    let seen: unknown = null
    const { wakeUps } = ports
    const notify = async (topic: Topic) => {
      const list = await ports.store.transaction((tx) => tx.resources.list({ aggregatorId: mine }))
      if (topic === 'resources') seen = list.length
    }
    await enrolResource({ ...ports, wakeUps: { ...wakeUps, notify } }, mine, charger(site.id))
    expect(seen).toBe(1)
    const events = await ports.store.transaction((tx) => tx.events.after(0, 10))
    expect(events).toEqual([
      expect.objectContaining({
        kind: 'resource-enrolled',
        organisationIds: [mine],
        ownerId: site.ownerId,
        data: { kind: 'charger', protocol: 'ocpp' },
      }),
    ])
  })

  test('one device cannot be enrolled twice', async () => {
    const mine = await anAggregator()
    const site = await aSite(mine)
    const endpoint = 'opc.tcp://battery:4840'
    const battery = (thumbprint: string | null) => ({
      ...charger(site.id),
      kind: 'battery' as const,
      rating: aResource('b', 'battery', 1n).rating,
      connection: { protocol: 'opcua' as const, endpoint, thumbprint },
    })
    await enrolResource(ports, mine, battery(null))
    await expect(enrolResource(ports, mine, battery('AB'.repeat(20)))).rejects.toEqual(
      refusedAs('duplicate', 'connection.endpoint'),
    )
  })

  test('a server may hold several batteries, each enrolled once and by its name', async () => {
    const mine = await anAggregator()
    const site = await aSite(mine)
    const battery = (object?: string) => ({
      ...charger(site.id),
      kind: 'battery' as const,
      rating: aResource('b', 'battery', 1n).rating,
      connection: {
        protocol: 'opcua' as const,
        endpoint: 'opc.tcp://park:1',
        thumbprint: null,
        object,
      },
    })
    await enrolResource(ports, mine, battery('BESS-1'))
    await expect(enrolResource(ports, mine, battery('BESS-1'))).rejects.toEqual(
      refusedAs('duplicate', 'connection.object'),
    )
    await expect(enrolResource(ports, mine, battery())).rejects.toEqual(
      refusedAs('duplicate', 'connection.endpoint'),
    )
    const { resource } = await enrolResource(ports, mine, battery('BESS-2'))
    expect(resource.connection).toMatchObject({ object: 'BESS-2' })
  })

  test('an inverter is known by host, port and unit, and cannot be enrolled twice', async () => {
    const mine = await anAggregator()
    const site = await aSite(mine)
    const inverter = (connection: { host: string; port?: number; unitId?: number }) => ({
      ...charger(site.id),
      kind: 'battery' as const,
      rating: aResource('b', 'battery', 1n).rating,
      connection: { protocol: 'modbus' as const, ...connection },
    })
    const { resource, password } = await enrolResource(ports, mine, inverter({ host: 'Cellar' }))
    expect(resource.connection).toEqual({
      protocol: 'modbus',
      host: 'cellar',
      port: 502,
      unitId: 1,
    })
    expect(password).toBeNull()
    const same = inverter({ host: 'cellar', port: 502, unitId: 1 })
    await expect(enrolResource(ports, mine, same)).rejects.toEqual(
      refusedAs('duplicate', 'connection.host'),
    )
    await enrolResource(ports, mine, inverter({ host: 'cellar', unitId: 2 }))
    await expect(enrolResource(ports, mine, inverter({ host: 'a:502' }))).rejects.toEqual(
      refusedAs('malformed', 'connection.host'),
    )
    await enrolResource(ports, mine, inverter({ host: 'fe80::1' }))
  })

  test('a certificate is trusted in one form, and only by the battery’s own aggregator', async () => {
    const mine = await anAggregator()
    const site = await aSite(mine)
    const connection = { protocol: 'opcua' as const, endpoint: 'opc.tcp://b:1', thumbprint: null }
    const battery = { ...charger(site.id), connection }
    const { resource } = await enrolResource(ports, mine, battery)
    const colons = 'ab:'.repeat(20).slice(0, -1)
    const stranger = organisationId('stranger')
    await expect(trustCertificate(ports, stranger, resource.id, colons)).rejects.toEqual(
      refusedAs('not-found'),
    )
    notified.length = 0
    const trusted = await trustCertificate(ports, mine, resource.id, colons)
    expect(trusted.connection).toMatchObject({ thumbprint: 'AB'.repeat(20) })
    expect(notified).toEqual(['resources'])
  })

  test('an offer is changed for the future by the resource’s own aggregator only', async () => {
    const mine = await anAggregator()
    const { resource } = await enrolResource(ports, mine, charger((await aSite(mine)).id))
    const dearer = { ...offer, price: microEurPerKwh(200_000n) }
    const stranger = organisationId('stranger')
    await expect(changeOffer(ports, stranger, resource.id, dearer)).rejects.toEqual(
      refusedAs('not-found'),
    )
    await expect(changeOffer(ports, mine, resourceId('none'), dearer)).rejects.toEqual(
      refusedAs('not-found'),
    )
    await changeOffer(ports, mine, resource.id, dearer)
    const stored = await ports.store.transaction((tx) => tx.resources.find(resource.id))
    expect(stored?.offer).toEqual(dearer)
  })

  test('history is stored once each, marked as imported, whatever is sent again', async () => {
    const mine = await anAggregator()
    const { resource } = await enrolResource(ports, mine, charger((await aSite(mine)).id))
    const readings = [-1800, -900, 0].map((seconds, i) => ({
      at: addSeconds(WINDOW_START, seconds),
      registerWh: 100 * i,
    }))
    const first = await importHistory(ports, mine, resource.id, readings)
    const again = await importHistory(ports, mine, resource.id, readings)
    expect([first, again]).toEqual([
      { received: 3, added: 3 },
      { received: 3, added: 0 },
    ])
    const stored = await ports.store.transaction((tx) =>
      tx.readings.between([resource.id], addSeconds(WINDOW_START, -3600), WINDOW_START),
    )
    expect(stored.map((r) => [r.registerWh, r.quality])).toEqual([
      [0, 'imported'],
      [100, 'imported'],
      [200, 'imported'],
    ])
  })
})
