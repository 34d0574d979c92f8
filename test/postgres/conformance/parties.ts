import { expect, test } from 'vitest'
import type { DeviceCondition, KnownCapability } from '#domain/capability.ts'
import { congestionPointId, organisationId, ownerId, resourceId, siteId } from '#domain/ids.ts'
import type { StoredFeeder } from '#domain/network/stored-feeder.ts'
import type { Organisation, Owner, ResourceHealth } from '#domain/resource.ts'
import { basisPoints } from '#domain/units.ts'
import { recordCondition } from '#lifecycle/record-device.ts'
import type { ApiKey, GatewayPorts } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import {
  AGGREGATOR,
  CAPABILITY,
  DSO,
  hexOf,
  minutes,
  NOW,
  POINT,
  program,
  resource,
} from '../samples.ts'

export function partyTests(open: () => Store): void {
  test('what is not there is null or empty', async () => {
    await open().transaction(async (tx) => {
      expect(await tx.organisations.find(DSO)).toBeNull()
      expect(await tx.organisations.program(DSO)).toBeNull()
      expect(await tx.organisations.congestionPoint(POINT)).toBeNull()
      expect(await tx.organisations.list()).toEqual([])
      expect(await tx.resources.find(resourceId('x'))).toBeNull()
      expect(await tx.resources.owner(ownerId('x'))).toBeNull()
      expect(await tx.resources.site(siteId('x'))).toBeNull()
      expect(await tx.resources.list()).toEqual([])
      expect(await tx.resources.health([resourceId('x')])).toEqual([])
      expect(await tx.keys.find('00')).toBeNull()
      expect(await tx.keys.count()).toBe(0)
    })
  })

  test('versions of a feeder stay as they were given, and the newest is told', async () => {
    const first: StoredFeeder = {
      congestionPointId: POINT,
      version: 1,
      branchId: 'a-b',
      text: '{"name":"é \\u0000"}',
      hash: hexOf(7),
      importedAt: NOW,
    }
    const second = { ...first, version: 2, branchId: 'b-c' }
    const store = open()
    await store.transaction(async (tx) => {
      expect(await tx.organisations.feeder(POINT)).toBeNull()
      await tx.organisations.saveFeeder(first)
      expect(await tx.organisations.feeder(POINT)).toEqual(first)
      await tx.organisations.saveFeeder({ ...first, congestionPointId: congestionPointId('x') })
      await tx.organisations.saveFeeder(second)
      expect(await tx.organisations.feeder(POINT)).toEqual(second)
    })
    const again = store.transaction((tx) => tx.organisations.saveFeeder({ ...second, text: '' }))
    await expect(again).rejects.toMatchObject({ code: 'duplicate' })
    expect(await store.transaction((tx) => tx.organisations.feeder(POINT))).toEqual(second)
  })

  test('organisations, programs and congestion points are saved, changed and listed by id', async () => {
    const dso: Organisation = {
      id: DSO,
      kind: 'dso',
      name: 'North Grid',
      address: hexOf(1, 20),
      aggregatorShareBp: basisPoints(0),
    }
    const aggregator: Organisation = {
      id: AGGREGATOR,
      kind: 'aggregator',
      name: 'A',
      address: null,
      aggregatorShareBp: basisPoints(1500),
    }
    const point = { id: POINT, dsoId: DSO, name: 'Feeder 1' }
    const upper = { id: congestionPointId('Z-1'), dsoId: DSO, name: 'Feeder Z' }
    const store = open()
    await store.transaction(async (tx) => {
      await tx.organisations.save(dso)
      await tx.organisations.save({ ...aggregator, name: 'old', minimumPayoutCents: 500n })
      await tx.organisations.save({ ...dso, minimumPayoutCents: 500n })
      expect(await tx.organisations.find(DSO)).toEqual({ ...dso, minimumPayoutCents: 500n })
      await tx.organisations.save(dso)
      await tx.organisations.save(aggregator)
      await tx.organisations.saveProgram(program())
      await tx.organisations.saveProgram(program({ version: 2, graceSeconds: 60 }))
      const room = { limitW: 400_000, baseLoadW: [-20_000, 310_000] }
      await tx.organisations.saveCongestionPoint({ ...point, name: 'old', room })
      expect(await tx.organisations.congestionPoint(POINT)).toEqual({ ...point, name: 'old', room })
      await tx.organisations.saveCongestionPoint(point)
      await tx.organisations.saveCongestionPoint(upper)
    })
    await store.transaction(async (tx) => {
      expect(await tx.organisations.find(DSO)).toEqual(dso)
      expect(await tx.organisations.list()).toEqual([aggregator, dso])
      expect(await tx.organisations.list('dso')).toEqual([dso])
      expect(await tx.organisations.program(DSO)).toEqual(program({ version: 2, graceSeconds: 60 }))
      expect(await tx.organisations.congestionPoint(POINT)).toEqual(point)
      // Byte by byte: capital letters come first, whatever the server's locale.
      expect(await tx.organisations.congestionPoints()).toEqual([upper, point])
    })
  })

  test('owners, sites and resources are found by what they belong to', async () => {
    const wallet: Owner = {
      id: ownerId('owner-2'),
      aggregatorId: organisationId('agg-b'),
      payout: { kind: 'wallet', address: hexOf(2, 20) },
    }
    const agent: Owner = {
      id: ownerId('owner-1'),
      aggregatorId: AGGREGATOR,
      payout: { kind: 'agent' },
      announced: { payout: { kind: 'wallet', address: hexOf(3, 20) }, from: minutes(5) },
    }
    const site = {
      id: siteId('site-1'),
      aggregatorId: AGGREGATOR,
      ownerId: agent.id,
      congestionPointId: POINT,
    }
    const second = resource({
      id: resourceId('battery-2'),
      kind: 'battery',
      ownerId: wallet.id,
      aggregatorId: wallet.aggregatorId,
      connection: { protocol: 'opcua', endpoint: 'opc.tcp://127.0.0.1:4840', thumbprint: null },
    })
    const store = open()
    await store.transaction(async (tx) => {
      await tx.resources.saveOwner({
        ...wallet,
        announced: { payout: { kind: 'agent' }, from: NOW },
      })
      await tx.resources.saveOwner(wallet)
      await tx.resources.saveOwner(agent)
      await tx.resources.saveSite(site)
      await tx.resources.save(resource({ enrolledAt: minutes(-5) }))
      await tx.resources.save(resource())
      await tx.resources.save(second)
    })
    await store.transaction(async (tx) => {
      expect(await tx.resources.owner(wallet.id)).toEqual(wallet)
      expect(await tx.resources.owners()).toEqual([agent, wallet])
      expect(await tx.resources.owners(AGGREGATOR)).toEqual([agent])
      expect(await tx.resources.site(site.id)).toEqual(site)
      expect(await tx.resources.find(second.id)).toEqual(second)
      expect(await tx.resources.list()).toEqual([second, resource()])
      expect(await tx.resources.list({ congestionPointId: POINT, ownerId: wallet.id })).toEqual([
        second,
      ])
      expect(await tx.resources.list({ aggregatorId: AGGREGATOR })).toEqual([resource()])
    })
  })

  test('what a device can do, and what others did to it, is the last that was said', async () => {
    const known = (stepW: number): KnownCapability => ({
      resourceId: resourceId('a'),
      capability: { ...CAPABILITY, stepW },
      learnedAt: minutes(1),
    })
    const limited = (externalLimitW: number | null): DeviceCondition => ({
      resourceId: resourceId('a'),
      externalLimitW,
      externalSource: externalLimitW === null ? null : 'EMS',
      overrideSince: minutes(2),
      at: minutes(3),
    })
    const store = open()
    await store.transaction(async (tx) => {
      await tx.resources.saveCapability(known(23))
      await tx.resources.saveCapability(known(100))
      await tx.resources.saveCondition(limited(4200))
      await tx.resources.saveCondition(limited(null))
    })
    const ids = [resourceId('b'), resourceId('a')]
    await store.transaction(async (tx) => {
      expect(await tx.resources.capabilities(ids)).toEqual([known(100)])
      expect(await tx.resources.conditions(ids)).toEqual([limited(null)])
    })
  })

  test('two who write down what others do to one device lose nothing of each other', async () => {
    const store = open()
    const ports = {
      store,
      clock: { speed: 1, now: () => NOW },
      wakeUps: { notify: async () => undefined, subscribe: () => ({ stop: () => undefined }) },
    } as unknown as GatewayPorts
    const ids = Array.from({ length: 10 }, (_, i) => resourceId(`busy-${i}`))
    await Promise.all(
      ids.flatMap((id) => [
        recordCondition(ports, id, { externalLimitW: 4000, externalSource: 'EMS' }),
        recordCondition(ports, id, { overrideSince: NOW }),
      ]),
    )
    const found = await store.transaction((tx) => tx.resources.conditions(ids))
    expect(found).toEqual(
      ids.map((id) => ({
        resourceId: id,
        externalLimitW: 4000,
        externalSource: 'EMS',
        overrideSince: NOW,
        at: NOW,
      })),
    )
  })

  test('health is the last that was said, in the order asked for', async () => {
    const health = (id: string, connected: boolean, detail = ''): ResourceHealth => ({
      resourceId: resourceId(id),
      connected,
      since: NOW,
      detail,
    })
    const store = open()
    await store.transaction(async (tx) => {
      await tx.resources.saveHealth(health('a', true))
      await tx.resources.saveHealth(health('b', true))
      await tx.resources.saveHealth(health('a', false, 'socket closed'))
    })
    const found = await store.transaction((tx) =>
      tx.resources.health([resourceId('b'), resourceId('c'), resourceId('a')]),
    )
    expect(found).toEqual([health('b', true), health('a', false, 'socket closed')])
  })

  test('keys are found by their hash and counted', async () => {
    const key: ApiKey = {
      keySha256: 'ab'.repeat(32),
      role: 'owner',
      organisationId: AGGREGATOR,
      ownerId: ownerId('owner-1'),
    }
    const store = open()
    await store.transaction(async (tx) => {
      await tx.keys.save(key)
      await tx.keys.save(key)
      await tx.keys.save({ ...key, keySha256: 'cd'.repeat(32), role: 'dso', ownerId: null })
    })
    await store.transaction(async (tx) => {
      expect(await tx.keys.find(key.keySha256)).toEqual(key)
      expect(await tx.keys.count()).toBe(2)
    })
  })
}

export function requestTests(open: () => Store): void {
  test('an answer can only be kept for a request that was begun', async () => {
    const finish = open().transaction((tx) => tx.requests.finish(DSO, 'key-1', 201, '{}'))
    await expect(finish).rejects.toThrow('no request was begun under key-1')
  })

  test('a key is new once; later its first answer comes back, with the hash of its request', async () => {
    const store = open()
    const begin = (organisation = DSO) =>
      store.transaction((tx) => tx.requests.begin(organisation, 'key-1', hexOf(1)))
    await store.transaction(async (tx) => {
      expect(await tx.requests.begin(DSO, 'key-1', hexOf(1))).toBeNull()
      await tx.requests.finish(DSO, 'key-1', 201, '{"id":"call-1"}')
    })
    const answer = { status: 201, body: '{"id":"call-1"}', requestHash: hexOf(1) }
    expect(await begin()).toEqual(answer)
    expect(await begin(AGGREGATOR)).toBeNull()
  })

  test('a key whose transaction failed is new again', async () => {
    const store = open()
    const failing = store.transaction(async (tx) => {
      await tx.requests.begin(DSO, 'key-1', hexOf(1))
      throw new Error('crash')
    })
    await expect(failing).rejects.toThrow('crash')
    expect(await store.transaction((tx) => tx.requests.begin(DSO, 'key-1', hexOf(2)))).toBeNull()
  })

  test('the same key from many at once is new for one of them', async () => {
    const store = open()
    const post = (index: number) =>
      store.transaction(async (tx) => {
        const known = await tx.requests.begin(DSO, 'key-1', hexOf(1))
        if (known !== null) return known.body
        await tx.requests.finish(DSO, 'key-1', 201, `made by ${index}`)
        return `made by ${index}`
      })
    const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => post(index)))
    expect(new Set(answers).size).toBe(1)
  })
}
