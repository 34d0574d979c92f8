import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SIMULATED_PARTIES, simulatedSignature } from '#adapters/simulated/rail.ts'
import { organisationId, siteId } from '#domain/ids.ts'
import { parseReceipt, verifyReceipt } from '#domain/receipt.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { aResource, WINDOW_START } from '../support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'
import { undocumented } from './documented.ts'
import {
  aTown,
  callBody,
  idempotent,
  type Party,
  type Service,
  startService,
  type Town,
} from './service.ts'

/** One measured call of Anna's charger and Bert's battery; Anna's line is disputed. */
describe('a disputed line over HTTP', () => {
  let service: Service
  let town: Town
  let id: string

  const send = (by: Party, method: string, path: string, body?: unknown) =>
    service.send(method, path, { key: town.keys[by], body, headers: idempotent() })
  const disputesOf = (by: Party) => send(by, 'GET', `/v1/flexibility-calls/${id}/disputes`)
  const passTo = (seconds: number) =>
    service.world.passTo(addSeconds(WINDOW_START, seconds), () => runVerifiers(service.world))
  const words = { resourceId: 'charger', reason: 'delivery', text: 'nobody was at home' }
  const dispute = (by: Party, changes: object = {}) =>
    send(by, 'POST', `/v1/flexibility-calls/${id}/disputes`, { ...words, ...changes })
  const decide = (by: Party, lines: unknown) =>
    send(by, 'POST', `/v1/flexibility-calls/${id}/decision`, { lines, note: 'the meter is right' })
  const escrow = async () => (await send('dso', 'GET', `/v1/flexibility-calls/${id}`)).body.escrow
  const annas = async () => (await send('anna', 'GET', '/v1/owner/earnings')).body.lines[0]

  async function enrol({ id: name, kind, rating, offer }: Resource, owner: string) {
    await enrolResource(service.ports, organisationId(owner === 'bert' ? 'agg-2' : 'agg-1'), {
      id: name,
      kind,
      siteId: siteId(`site-${owner}`),
      rating,
      offer,
      connection: { protocol: 'simulated', address: name },
    })
  }

  beforeAll(async () => {
    service = await startService()
    town = await aTown(service)
    const charger = aResource('charger', 'charger', 120_000n)
    const battery = aResource('battery', 'battery', 200_000n)
    await plugCharger(service.world, charger, 7000)
    plugBattery(service.world, battery)
    await enrol(charger, 'anna')
    await enrol(battery, 'bert')
    await service.world.ports().wakeUps.notify('resources')
    await service.world.passTo(addSeconds(WINDOW_START, -600))
    const call = await send('dso', 'POST', '/v1/flexibility-calls', callBody([9000, 9000]))
    id = call.body.id
    await service.world.passTo(addSeconds(WINDOW_START, -300))
    const path = `/v1/flexibility-calls/${id}/authorisation`
    const { authorise: terms } = (await send('dso', 'GET', path)).body
    const signature = simulatedSignature(SIMULATED_PARTIES.payer, terms)
    const acceptance = { validAfter: 0, validBefore: terms.deliverStart / 1000, signature }
    const accepted = `/v1/flexibility-calls/${id}/acceptance`
    expect((await send('dso', 'POST', accepted, acceptance)).status).toBe(200)
  }, 60_000)
  afterAll(() => service.stop())

  test('nothing can be disputed before it is measured', async () => {
    const { status, body } = await dispute('dso')
    expect(status).toBe(404)
    expect(body.errors).toMatchObject([{ field: 'resourceId', got: 'charger' }])
    expect((await disputesOf('dso')).body).toEqual({
      disputableUntil: null,
      disputes: [],
      held: [],
    })
  })

  test('a reason that does not exist, no words, and what is another’s are refused', async () => {
    await passTo(1890)
    await service.world.passTo(addSeconds(WINDOW_START, 1920))
    const wrong = await dispute('dso', { reason: 'mood' })
    expect(wrong.status).toBe(400)
    expect(wrong.body.errors[0].field).toBe('reason')
    expect((await dispute('dso', { text: '' })).body.errors[0].field).toBe('text')
    for (const stranger of ['otherDso', 'otherAgg', 'bert'] as const) {
      expect((await dispute(stranger)).status).toBe(404)
    }
    expect((await dispute('anna', { resourceId: 'battery' })).status).toBe(404)
    expect((await dispute('verifier')).status).toBe(404)
  })

  test('the DSO disputes it: its owner reads that it is on hold and why', async () => {
    const { status, body } = await dispute('dso')
    expect(status).toBe(200)
    expect(body).toMatchObject({ ...words, raisedBy: 'dso', state: 'open', paidMinor: null })
    expect((await dispute('dso')).body).toEqual(body)
    const twice = await dispute('anna')
    expect(twice.status).toBe(409)
    expect(twice.body.errors).toMatchObject([{ field: 'resourceId', got: 'disputed by the dso' }])
    expect((await annas()).sentence).toMatch(/stay in escrow .*: the grid operator disputes it\.$/)
    expect((await disputesOf('bert')).body.disputes).toEqual([])
    expect((await disputesOf('anna')).body.disputes).toHaveLength(1)
  })

  test('the others are paid, and what is held is in the escrow of the call', async () => {
    await passTo(3000)
    const { fundedMinor, paidMinor, feeMinor, refundMinor, heldMinor } = await escrow()
    expect(BigInt(heldMinor)).toBeGreaterThan(0n)
    expect(BigInt(paidMinor)).toBeGreaterThan(0n)
    const sum = [paidMinor, feeMinor, refundMinor, heldMinor].map(BigInt).reduce((a, b) => a + b)
    expect(sum).toBe(BigInt(fundedMinor))
    const [rest] = (await disputesOf('dso')).body.held
    expect(rest).toMatchObject({ round: 3, state: 'held', amountMinor: heldMinor })
    expect((await disputesOf('bert')).body.held).toEqual([])
    expect((await dispute('agg', { resourceId: 'charger' })).status).toBe(409)
  })

  test('the operator sees what waits for a decision, and that the ledger adds up', async () => {
    const { body } = await send('operator', 'GET', '/v1/operator/money')
    const { heldMinor } = await escrow()
    expect(body.books).toMatchObject({ agree: true, differences: [], since: null })
    expect(body.sender).toEqual({ stuck: false, oldestSeconds: 0 })
    expect(body.waiting).toMatchObject([
      {
        callId: id,
        dsoId: 'dso',
        disputes: [{ resourceId: 'charger', raisedBy: 'dso', state: 'held' }],
        held: [{ amountMinor: heldMinor, challenged: false }],
      },
    ])
    const balances = body.balances as { kind: string; minor: string }[]
    expect(balances.find(({ kind }) => kind === 'held')?.minor).toBe(heldMinor)
    expect(balances.reduce((sum, { minor }) => sum + BigInt(minor), 0n)).toBe(0n)
  })

  test('nobody but the arbiter decides, and not on more than is held', async () => {
    const { lines } = (await disputesOf('arbiter')).body.held[0]
    const [{ resourceId, heldMinor }] = lines
    for (const other of ['dso', 'agg', 'anna', 'verifier', 'operator'] as const) {
      expect((await decide(other, [{ resourceId, payMinor: '0' }])).status).toBe(404)
    }
    const more = (BigInt(heldMinor) + 1n).toString()
    const tooMuch = await decide('arbiter', [{ resourceId, payMinor: more }])
    expect(tooMuch.status).toBe(400)
    expect(tooMuch.body.errors).toMatchObject([{ field: 'lines.payMinor', got: more }])
    const foreign = await decide('arbiter', [{ resourceId: 'battery', payMinor: '0' }])
    expect(foreign.body.errors).toMatchObject([{ field: 'lines', got: 'battery' }])
    const elsewhere = '/v1/flexibility-calls/unknown/decision'
    const unknown = await send('arbiter', 'POST', elsewhere, { lines: [words], note: 'x' })
    expect(unknown.status).toBe(400)
  })

  test('its signature makes the decision count, and the owner reads what became of it', async () => {
    const { lines } = (await disputesOf('arbiter')).body.held[0]
    const [{ resourceId, heldMinor }] = lines
    const payMinor = (BigInt(heldMinor) / 2n).toString()
    const { status, body } = await decide('arbiter', [{ resourceId, payMinor }])
    expect(status).toBe(200)
    const path = `/v1/flexibility-calls/${id}/decision/signature`
    const { version, settlementToSign } = body
    const sign = (who: 'arbiter' | 'payer') =>
      simulatedSignature(SIMULATED_PARTIES[who], settlementToSign.settle)
    const forged = await send('arbiter', 'POST', path, { version, signature: sign('payer') })
    expect(forged.status).toBe(422)
    const signed = await send('arbiter', 'POST', path, { version, signature: sign('arbiter') })
    expect(signed.body).toEqual({ taken: true })
    await passTo(4200)
    const [ended] = (await disputesOf('anna')).body.disputes
    expect(ended).toMatchObject({ state: 'decided', decidedBy: 'arbiter', paidMinor: payMinor })
    expect((await escrow()).heldMinor).toBe('0')
    const line = await annas()
    expect(line.status).toBe('paid')
    expect(BigInt(line.minor)).toBe((BigInt(payMinor) * 8500n) / 10_000n)
    expect(line.sentence).toMatch(/were on hold; the arbiter decided, and .* was paid/)
    expect((await send('operator', 'GET', '/v1/operator/money')).body.waiting).toEqual([])
    const after = await decide('arbiter', [{ resourceId, payMinor }])
    expect(after.status).toBe(404)
  })

  test('the receipt names the later round that settled it, which has one of its own', async () => {
    const receipt = (version = '') =>
      send('anna', 'GET', `/v1/owner/receipts/${id}${version && `?version=${version}`}`)
    const first = parseReceipt((await receipt()).text)
    expect(first.supersededBy).toBeGreaterThan(first.version)
    const { text } = await receipt(String(first.supersededBy))
    const later = parseReceipt(text)
    expect(later).toMatchObject({ version: first.supersededBy, callId: id, ownerId: 'anna' })
    expect(later).not.toHaveProperty('supersededBy')
    expect(later.requestId).not.toBe(first.requestId)
    expect(verifyReceipt(text)).toEqual([])
    const [paid] = later.leaves.flatMap(({ leaf }) => (leaf.kind === 'line' ? [leaf.line] : []))
    expect(paid?.ownerAmount.toString()).toBe((await annas()).minor)
    expect((await receipt('1')).status).toBe(404)
    const bert = `/v1/owner/receipts/${id}`
    expect(parseReceipt((await send('bert', 'GET', bert)).text)).not.toHaveProperty('supersededBy')
    const berts = await send('bert', 'GET', `${bert}?version=${first.supersededBy}`)
    expect(berts.status).toBe(404)
  })

  test('everything that was sent and answered is in the document', async () => {
    const { body } = await service.send('GET', '/openapi.json')
    const spoken = service.exchanges.filter(({ path }) => path.startsWith('/v1/'))
    expect(undocumented(body.paths, spoken)).toEqual([])
  })
})
