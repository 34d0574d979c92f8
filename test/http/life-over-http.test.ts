import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SIMULATED_PARTIES, simulatedSignature } from '#adapters/simulated/rail.ts'
import { canonicalJson, keccakText } from '#domain/canonical.ts'
import { callId as asCallId } from '#domain/ids.ts'
import { parseReceipt, verifyReceipt } from '#domain/receipt.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../support/builders.ts'
import { undocumented } from './documented.ts'
import { fourDevices } from './four-devices.ts'
import {
  aTown,
  callBody,
  IBANS,
  idempotent,
  type Party,
  type Service,
  startService,
  type Town,
} from './service.ts'

/**
 * One call from the request to the payout, driven and watched over HTTP alone. Anna's chargers
 * belong to one aggregator, Bert's battery to another; one charger says that it obeys and does not.
 */
describe('a call over HTTP', () => {
  let service: Service
  let town: Town
  let id: string
  let verifierKeys: readonly string[] = []

  const get = async (by: Party, path: string) => service.send('GET', path, { key: town.keys[by] })
  const view = async (by: Party) => (await get(by, `/v1/flexibility-calls/${id}`)).body
  const passTo = (seconds: number, meanwhile?: () => Promise<void>) =>
    service.world.passTo(addSeconds(WINDOW_START, seconds), meanwhile)

  beforeAll(async () => {
    service = await startService()
    town = await aTown(service)
    verifierKeys = await fourDevices(service, town)
    await passTo(-600)
    const asked = { key: town.keys.dso, body: callBody([9000, 9000]), headers: idempotent() }
    const call = await service.send('POST', '/v1/flexibility-calls', asked)
    id = call.body.id
    await passTo(-300)
  }, 60_000)
  afterAll(() => service.stop())

  /** What a verifier's process does, with HTTP and its key only. */
  async function verify(which: number): Promise<number> {
    const key = verifierKeys[which] as string
    const address = SIMULATED_PARTIES.verifiers[which] as `0x${string}`
    const { body: tasks } = await service.send('GET', '/v1/verification/tasks', { key })
    for (const { subject, subjectId, version, statement } of tasks) {
      const path = `/v1/verification/bundles/${id}/1`
      const bundle = await service.send('GET', path, { key })
      expect([keccakText(bundle.text), undefined]).toContain(statement.bundleHash)
      // Canonical JSON writes amounts as decimal strings, as the API does.
      const signature = simulatedSignature(address, statement)
      const body = { subject, subjectId, version, signature }
      const answer = await service.send('POST', '/v1/verification/attestations', { key, body })
      expect(answer.body).toEqual({ taken: true })
    }
    return tasks.length
  }

  test('before the window the owner is told nothing, by no page and no event', async () => {
    expect((await view('dso')).state).toBe('offered')
    for (const part of ['', '/events', '/decisions']) {
      expect((await get('anna', `/v1/flexibility-calls/${id}${part}`)).status).toBe(404)
    }
    expect((await get('anna', '/v1/flexibility-calls')).body).toEqual([])
    expect((await get('anna', '/v1/owner/decisions')).body).toEqual([])
    expect((await get('anna', '/v1/owner/earnings')).body.lines).toEqual([])
    const { body } = await get('agg', `/v1/flexibility-calls/${id}`)
    expect(body.allocations.map((a: { resourceId: string }) => a.resourceId)).toEqual([
      'honest',
      'liar',
    ])
  })

  test('the offer says who was left out and why, to each what is its own', async () => {
    const skipped = async (by: Party) =>
      (await view(by)).skipped.map((s: { resourceId: string; reason: string }) => [
        s.resourceId,
        s.reason,
      ])
    expect(await skipped('dso')).toContainEqual(['dear', 'price-above-cap'])
    expect(await skipped('agg')).toContainEqual(['dear', 'price-above-cap'])
    expect((await skipped('agg')).map(([name]: string[]) => name)).not.toContain('reserve')
    expect(await skipped('otherAgg')).toEqual([
      ['battery-bert', expect.any(String)],
      ['reserve', 'not-needed'],
    ])
  })

  const decided = async (by: Party) => {
    const { body } = await get(by, `/v1/flexibility-calls/${id}/decisions`)
    return Object.fromEntries(
      body.map((one: { resourceId: string; code: string }) => [one.resourceId, one.code]),
    )
  }

  test('of every enrolled resource it is said what was decided, to each of its own', async () => {
    const whole = {
      honest: 'selected',
      liar: 'cut',
      reserve: 'not-needed',
      dear: 'price-above-cap',
    }
    expect(await decided('dso')).toMatchObject(whole)
    expect(await decided('operator')).toEqual(await decided('dso'))
    const { dear, honest, liar } = whole
    expect(await decided('agg')).toMatchObject({ honest, liar, dear })
    expect(Object.keys(await decided('otherAgg')).sort()).toEqual(['battery-bert', 'reserve'])
    const byDso = (await get('dso', `/v1/flexibility-calls/${id}/decisions`)).body
    expect(byDso.every(({ detail }: { detail: string | null }) => detail === null)).toBe(true)
  })

  test('the DSO cannot get evidence before there is any', async () => {
    const answer = await get('dso', `/v1/flexibility-calls/${id}/evidence`)
    expect(answer).toMatchObject({ status: 409, body: { code: 'wrong-state' } })
  })

  test('a signature of somebody else funds nothing; the DSO’s own does', async () => {
    const path = `/v1/flexibility-calls/${id}`
    const { body: typedData } = await get('dso', `${path}/authorisation`)
    expect(typedData.authorise.payer).toBe(SIMULATED_PARTIES.payer)
    expect(await get('dso', `${path}/permit`)).toMatchObject({ status: 200, body: null })
    expect((await get('agg', `${path}/permit`)).status).toBe(404)
    const accept = (signer: `0x${string}`, more: Record<string, unknown> = {}) => {
      const signature = simulatedSignature(signer, typedData.authorise)
      const body = { signature, ...more }
      return service.send('POST', `${path}/acceptance`, { key: town.keys.dso, body })
    }
    const torn = { permit: { value: '1.5', deadline: 1, signature: '0x' } }
    expect((await accept(SIMULATED_PARTIES.payer, torn)).status).toBe(400)
    const wrong = await accept(SIMULATED_PARTIES.agent)
    expect(wrong).toMatchObject({ status: 422, body: { code: 'bad-authorisation' } })
    expect((await accept(SIMULATED_PARTIES.payer)).body.escrow.authorised).toBe(true)
    await passTo(-30)
    const { state, escrow } = await view('dso')
    expect(state).toBe('ordered')
    expect(escrow.fundedMinor).toBe(escrow.amountMinor)
    expect(escrow.heldMinor).toBe(escrow.amountMinor)
    expect((await get('anna', `/v1/flexibility-calls/${id}/events`)).status).toBe(404)
  })

  test('in the window everybody sees the call live, and only what is theirs', async () => {
    await passTo(300)
    const dso = await view('dso')
    expect(dso).toMatchObject({
      view: 'dso',
      state: 'dispatched',
      requestedWh: 4500,
      orderedWh: 4500,
    })
    expect(dso.repairs).toMatchObject([
      { resourceId: 'liar', replacedBy: ['reserve'], observedW: 7000, reason: 'not-obeying' },
    ])
    const [first, second] = dso.periods
    expect(first).toMatchObject({ requestedW: 9000, orderedW: 9000 })
    expect(first.baselineW - first.measuredW).toBe(first.deliveredW)
    expect(first.deliveredW).toBeGreaterThan(6000)
    expect(second).toMatchObject({ baselineW: null, measuredW: null, deliveredW: null })
    expect(dso).not.toHaveProperty('allocations')
    expect(JSON.stringify(dso)).not.toMatch(/"(anna|bert|wanda)"/)

    const agg = await view('agg')
    expect(agg.view).toBe('aggregator')
    expect(agg.periods[0]).toMatchObject({ requestedW: null, deliveredW: 7000 })
    expect(JSON.stringify(agg)).not.toMatch(/reserve|bert|escrow|priceCap/)
    const other = await view('otherAgg')
    expect(other.allocations).toMatchObject([{ resourceId: 'reserve', role: 'repair' }])
    expect(other.repairs).toEqual([])
    expect(JSON.stringify(other)).not.toMatch(/honest|liar|anna/)

    const anna = await view('anna')
    expect(anna.view).toBe('owner')
    expect(anna.allocations.map((a: { resourceId: string }) => a.resourceId)).toEqual([
      'honest',
      'liar',
    ])
    expect(JSON.stringify(anna)).not.toMatch(/reserve|bert|escrow|priceCap/)
    expect((await view('operator')).allocations).toHaveLength(3)
  })

  test('whatever devices were told anew is told with a reason: to the DSO all, to others their own', async () => {
    const ofLiar = {
      at: expect.any(String),
      resourceId: 'liar',
      reason: 'not-responding',
      sentence: 'was let go: its meter did not show the 2000 W that it was told to give',
      fromW: 2000,
      toW: 0,
    }
    const called = {
      at: expect.any(String),
      resourceId: 'reserve',
      reason: 'reserve',
      sentence: 'was called from the reserve for 2000 W: less arrived than was ordered',
      fromW: 0,
      toW: 2000,
    }
    const madeUp = {
      at: expect.any(String),
      resourceId: 'reserve',
      reason: 'headroom',
      sentence: 'gives 2300 W instead of 2000 W: less arrived than was ordered, and it had room',
      fromW: 2000,
      toW: 2300,
    }
    const dso = await view('dso')
    expect(dso.corrections).toEqual([
      { ...ofLiar, errorW: 2000, makeUpW: 0 },
      { ...called, errorW: 2000, makeUpW: 0 },
      { ...madeUp, errorW: 0, makeUpW: 300 },
    ])
    expect((await view('operator')).corrections).toEqual(dso.corrections)
    // What all together lacked is nothing to one aggregator.
    const hidden = { errorW: null, makeUpW: null }
    expect((await view('agg')).corrections).toEqual([{ ...ofLiar, ...hidden }])
    expect((await view('otherAgg')).corrections).toEqual([
      { ...called, ...hidden },
      { ...madeUp, ...hidden },
    ])
    expect(await view('anna')).not.toHaveProperty('corrections')
  })

  test('the DSO is told of the repair at once; the owner hears only of the window', async () => {
    const events = async (by: Party) => (await get(by, `/v1/flexibility-calls/${id}/events`)).body
    const notices = (await events('dso')).filter((e: { notice: boolean }) => e.notice)
    expect(notices.map((e: { kind: string }) => e.kind)).toContain('resource-not-obeying')
    const anna: { at: string; resourceId: string | null; data: object }[] = await events('anna')
    expect(anna.length).toBeGreaterThan(0)
    for (const { at, resourceId: about } of anna) {
      expect(Date.parse(at)).toBeGreaterThanOrEqual(WINDOW_START)
      expect([null, 'honest', 'liar']).toContain(about)
    }
    const ofTheCall = anna.filter((event) => event.resourceId === null)
    expect(ofTheCall.map(({ data }) => data)).toEqual(ofTheCall.map(() => ({})))
    const texts = JSON.stringify(anna)
    expect(texts).toContain('The call was dispatched.')
    expect(texts).not.toMatch(/reserve|micro-EUR/)
  })

  test('in the window owners read why of what takes part, and of nothing else', async () => {
    expect(await decided('anna')).toEqual({ honest: 'selected', liar: 'released-not-obeying' })
    const { body } = await get('anna', '/v1/owner/decisions')
    for (const { callId, at, sentence, detail } of body) {
      expect(callId).toBe(id)
      expect(Date.parse(at)).toBeGreaterThanOrEqual(WINDOW_START)
      expect(sentence).toMatch(/^Your device was (chosen|let go)/)
      expect(detail).toBeNull()
    }
    const [standIn] = (await get('bert', '/v1/owner/decisions')).body
    expect(standIn).toMatchObject({ resourceId: 'reserve', code: 'stood-in', outcome: 'stands-in' })
    expect(standIn.earlier.map(({ code }: { code: string }) => code)).toEqual([
      'not-needed',
      'taken-from-reserve',
    ])
    const unasked = (await get('bert', '/v1/owner/decisions')).text
    expect(unasked).not.toContain('battery-bert')
    expect(await decided('dso')).toMatchObject({ reserve: 'stood-in', honest: 'selected' })
  })

  test('who took no part is told why once the window is over', async () => {
    await passTo(1920)
    const { body } = await get('bert', '/v1/owner/decisions')
    const own = body.map((one: { resourceId: string; outcome: string }) => one.resourceId)
    expect(own).toEqual(['battery-bert', 'reserve'])
    expect(body[0]).toMatchObject({ outcome: 'skipped' })
    const [only] = (await get('bert', '/v1/owner/decisions?limit=1')).body
    expect(only).toEqual(body[0])
  })

  test('two verifiers recompute it over HTTP, and it is settled and paid', async () => {
    expect((await view('dso')).state).toBe('measured')
    expect(await verify(0)).toBe(1)
    expect(await verify(0)).toBe(0)
    const { attestations } = await view('dso')
    expect(attestations).toMatchObject({ required: 2, signed: 1, refusals: [] })
    await passTo(3600, async () => {
      await verify(0)
      await verify(1)
    })
    const dso = await view('dso')
    expect(dso.state).toBe('paid')
    const { fundedMinor, paidMinor, feeMinor, refundMinor, heldMinor } = dso.escrow
    const parts = [paidMinor, feeMinor, refundMinor, heldMinor].map(BigInt)
    expect(parts.reduce((a, b) => a + b)).toBe(BigInt(fundedMinor))
    expect(dso.transactions.map((t: { kind: string }) => t.kind)).toEqual(
      expect.arrayContaining([
        'RequestOpened',
        'SettlementProposed',
        'RequestFinalized',
        'EpochPosted',
        'EpochActivated',
        'Paid',
      ]),
    )
    expect(dso.periods[1].baselineW - dso.periods[1].measuredW).toBe(dso.periods[1].deliveredW)
  })

  test('the evidence is what verifiers signed, byte for byte', async () => {
    const { text, headers } = await get('dso', `/v1/flexibility-calls/${id}/evidence`)
    expect(headers.get('content-type')).toBe('application/json')
    expect(keccakText(text)).toBe((await view('dso')).evidence.bundleHash)
    const stored = await service.world.store.transaction((tx) => tx.evidence.load(asCallId(id), 1))
    expect(text).toBe(stored)
    for (const by of ['agg', 'anna'] as const) {
      expect((await get(by, `/v1/flexibility-calls/${id}/evidence`)).status).toBe(404)
    }
  })

  test('an owner reads in plain words what was earned and why', async () => {
    const { body } = await get('anna', '/v1/owner/earnings')
    const [honest, liar] = body.lines
    expect(honest).toMatchObject({ resourceId: 'honest', wh: 3500, status: 'paid', reason: 'paid' })
    expect(honest.sentence).toMatch(
      /^From 2026-01-14T16:00:00Z to 2026-01-14T16:30:00Z the device delivered 3500 Wh of 3500 Wh ordered; 3500 Wh count at 0.12 EUR per kWh: 0\.\d+ EUR was paid, after the aggregator's share\.$/,
    )
    expect(honest.receipt.lines).toEqual([{ callId: id, amountMinor: honest.minor }])
    expect(liar).toMatchObject({
      resourceId: 'liar',
      minor: '0',
      status: 'not-paid',
      reason: 'not-obeying',
    })
    expect(liar.sentence).toContain('did not follow its setpoint')
    expect(body.totalMinor).toBe(honest.minor)
    const bert = (await get('bert', '/v1/owner/earnings')).body
    expect(bert.lines.map((l: { resourceId: string }) => l.resourceId)).toEqual(['reserve'])
  })

  test('an owner’s receipt leads to the evidence root, and nobody else gets it', async () => {
    const { text: receipt } = await get('anna', `/v1/owner/receipts/${id}`)
    expect(verifyReceipt(receipt)).toEqual([])
    const { evidence } = (await view('dso')) as { evidence: { root: string } }
    expect(parseReceipt(receipt).evidenceRoot).toBe(evidence.root)
    const { ownerId } = parseReceipt(receipt)
    const byAggregator = `/v1/aggregator/owners/${ownerId}/receipts/${id}`
    expect((await get('agg', byAggregator)).text).toBe(receipt)
    expect((await get('otherAgg', byAggregator)).status).toBe(404)
    expect((await get('dso', `/v1/owner/receipts/${id}`)).status).toBe(404)
    expect((await get('anna', '/v1/owner/receipts/call-unknown')).status).toBe(404)
  })

  test('the agent’s receipts and the aggregators’ shares are the leaf', async () => {
    const { body: receipts } = await get('agent', '/v1/payouts/receipts?epoch=1')
    const { body: epochs } = await get('agent', '/v1/payouts/epochs')
    const shares = await Promise.all(
      (['agg', 'otherAgg'] as const).map(
        async (by) => (await get(by, '/v1/aggregator/earnings')).body.totalMinor,
      ),
    )
    const paid = [...receipts.map((r: { amountMinor: string }) => r.amountMinor), ...shares]
    const leaf = epochs[0].accounts.find((a: { index: number }) => a.index === 0)
    expect(paid.reduce((sum, amount) => sum + BigInt(amount), 0n)).toBe(
      BigInt(leaf.cumulativeMinor),
    )
  })

  test('the operator sees that all is reconciled and every device at its default', async () => {
    expect((await get('operator', '/v1/operator/reconciliation')).body).toEqual({
      reconciled: true,
      differences: [],
    })
    const { body: setpoints } = await get('operator', '/v1/operator/setpoints')
    expect(setpoints).toHaveLength(3)
    expect(setpoints.every((s: { atDefault: boolean }) => s.atDefault)).toBe(true)
    const { body: parties } = await get('operator', '/v1/operator/parties')
    expect(parties.payers[0]).toEqual({ dsoId: 'dso', address: SIMULATED_PARTIES.payer })
  })

  test('every request and every answer was as the document says', async () => {
    const { body } = await service.send('GET', '/openapi.json')
    const exchanges = service.exchanges.filter(({ path }) => path.startsWith('/v1/'))
    expect(exchanges.length).toBeGreaterThan(150)
    expect(undocumented(body.paths, exchanges)).toEqual([])
  })

  test('no answer, no event and no log holds an account number', async () => {
    const events = await service.world.store.transaction((tx) => tx.events.after(0, 10_000))
    const everything = [...service.answers, ...service.logs, canonicalJson(events)].join('\n')
    expect(everything.length).toBeGreaterThan(10_000)
    for (const iban of Object.values(IBANS)) expect(everything).not.toContain(iban)
  })
})
