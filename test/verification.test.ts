import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSigner, verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { createSimulatedAttestor, SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { canonicalJson } from '#domain/canonical.ts'
import { bundleText, type EvidenceBundle, statementOf } from '#domain/evidence.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { ownerId } from '#domain/ids.ts'
import { completeBundle } from '#domain/measurement.ts'
import { ceilDiv } from '#domain/money.ts'
import { receiptFor, receiptText, verifyReceipt } from '#domain/receipt.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { type Difference, parseBundle, verifyBundle } from '#domain/verification.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { createVerifier } from '#verifier/verifier.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from './support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from './support/simulated-call.ts'
import {
  resigned,
  withMoreMoney,
  withOtherReadings,
  withOwnEscrow,
} from './support/tampered-bundle.ts'
import { signedInMemory } from './support/signed-rounds.ts'

/*
 * One measured call of the simulated world, whose gateway signs with a real Ed25519 key. Forgers
 * have all the time in the world: whatever can be recomputed, they recompute.
 */
let world: World
let folder: string
let call: FlexibilityCall
let text: string
let bundle: EvidenceBundle

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gridcall-verification-'))
  const signer = await openSigner(folder, 'gateway-1')
  const program = aProgram()
  world = createWorld({
    start: addSeconds(WINDOW_START, -1200),
    ...program,
    interpose: (ports, driver) => {
      const { id } = ports.gateway
      return { ports: { ...ports, gateway: { id, signer } }, driver }
    },
  })
  await world.boot()
  const charger = aResource('charger', 'charger', 120_001n)
  const battery = aResource('battery', 'battery', 200_003n)
  await enrolAll(world, [charger, battery], program)
  await plugCharger(world, charger, 7000)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const request = aRequest([9100, 9100])
  const { call: posted } = await requestFlexibility(world.ports(), dso, 'key-1', request)
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), posted.id)
  await world.passTo(addSeconds(WINDOW_START, 1920))
  ;({ call, text } = await world.store.transaction(async (tx) => ({
    call: await tx.calls.lock(posted.id),
    text: (await tx.evidence.load(posted.id, 1)) ?? '',
  })))
  bundle = parseBundle(text)
})

afterAll(async () => {
  await world.stop()
  rmSync(folder, { recursive: true, force: true })
})

const verify = (forged: string) =>
  verifyBundle(forged, { gateway: verifyEd25519, meter: checkMeterSignature })
const lines = (differences: readonly Difference[]) => differences.map(({ line }) => line)

describe('a bundle is refused', () => {
  it('that is no bundle, or not in its one text', () => {
    expect(() => verify('{}')).toThrow('expected a gridcall-evidence bundle of format version 1')
    expect(() => verify('no JSON')).toThrow(SyntaxError)
    const pretty = JSON.stringify(JSON.parse(text), null, 2)
    expect(verify(pretty)).toEqual([{ line: 'bundle', expected: '"canonical"', got: '"other"' }])
  })

  it('whose amount was changed, with the line and the amount that is expected', () => {
    const { text: forged, line } = withMoreMoney(bundle)
    const differences = verify(forged)
    expect(lines(differences)).toEqual([`line ${line.resourceId}`, 'total payout', 'total refund'])
    expect(differences[0]?.expected).toBe(canonicalJson(line))
    expect(differences[0]?.expected).toContain(`"gross":"${line.gross}"`)
    expect(differences[0]?.got).toContain(`"gross":"${line.gross + 1000n}"`)
  })

  it('that claims to be vouched for by meters, whose records it does not hold', () => {
    const [first, ...others] = bundle.assurances
    if (!first) throw new Error('no assurance class')
    const better = { ...first, assurance: 'A' as const, reasons: [] }
    expect(first).toMatchObject({ assurance: 'B', reasons: ['no-key'] })
    const differences = verify(bundleText({ ...bundle, assurances: [better, ...others] }))
    expect(lines(differences)).toEqual([`assurance ${first.resourceId}`])
  })

  it('that lists a part of a device twice, naming the device and the part', () => {
    const [first, second] = bundle.allocations
    if (!first || !second) throw new Error('nobody was ordered')
    const twice = completeBundle({ ...bundle, allocations: [first, second, first] })
    // All that follows is recomputed: but for the list itself nothing would be wrong.
    expect(verify(bundleText(twice))).toEqual([
      {
        line: `part ${first.resourceId}: order`,
        expected: 'each device once',
        got: 'listed 2 times',
      },
    ])
    const asRepair = { ...first, role: 'repair' as const }
    const both = completeBundle({ ...bundle, allocations: [first, second, asRepair] })
    expect(lines(verify(bundleText(both)))).toContain(`part ${first.resourceId}: order and repair`)
    const { terms } = bundle
    const inTerms = { ...terms, ordered: [...terms.ordered, second] }
    expect(lines(verify(bundleText({ ...bundle, terms: inTerms })))).toEqual([
      'terms hash',
      `part ${second.resourceId}: order in the terms`,
    ])
  })

  it('that lists a delivery of a device twice, or one that nobody was ordered', () => {
    const [first] = bundle.deliveries
    if (!first) throw new Error('nothing was delivered')
    const more = { ...bundle, deliveries: [...bundle.deliveries, first] }
    const name = `delivery ${first.resourceId} ${formatInstant(first.start)}`
    expect(verify(bundleText(more))).toEqual([
      { line: name, expected: 'null', got: canonicalJson(first) },
    ])
  })

  it('whose readings were changed, because the gateway signed others', () => {
    const { text: forged, resourceId, at } = withOtherReadings(bundle)
    const differences = verify(forged)
    expect(differences.length).toBeGreaterThan(0)
    expect(lines(differences)[0]).toBe(`reading ${resourceId} ${formatInstant(at)}`)
    const key = bundle.terms.gatewayKeys[0]?.publicKey
    for (const { line, expected } of differences) {
      expect(line).toMatch(/^reading /)
      expect(expected).toBe(`a signature by ${key}`)
    }
  })

  it('whose readings were signed anew with another key', () => {
    const forged = resigned(withOtherReadings(bundle).bundle, 'readings')
    const key = bundle.terms.gatewayKeys[0]?.publicKey
    const all = verify(bundleText(forged))
    const { history, before, readings } = bundle
    expect(all).toHaveLength(history.length + before.length + readings.length)
    expect(new Set(all.map(({ expected }) => expected))).toEqual(new Set([`a signature by ${key}`]))
  })

  it('whose terms name that other key, because their hash stands in the escrow', () => {
    const forged = resigned(withOtherReadings(bundle).bundle, 'readings and terms')
    expect(verify(bundleText(forged))).toMatchObject([
      { line: 'terms hash', got: `"${bundle.escrow.terms.termsHash}"` },
    ])
  })

  it('whose escrow names those terms, by whoever looks at the chain: there is no such escrow', async () => {
    const signedAnew = resigned(withOtherReadings(bundle).bundle, 'readings and terms')
    const forged = withOwnEscrow(signedAnew, (terms) => world.rail.requestId(terms))
    expect(verify(bundleText(forged))).toEqual([])
    expect(forged.escrow.requestId).not.toBe(bundle.escrow.requestId)
    const refused: Difference[] = []
    await verifierShown(forged, refused).tick()
    expect(refused).toMatchObject([{ line: 'escrow on chain', got: 'none' }])
  })
})

describe('the receipt of an owner', () => {
  const receiptOf = (which: string) => {
    const line = bundle.settlement.lines.find(({ resourceId }) => resourceId === which)
    const receipt = line && receiptFor(bundle, line.ownerId)
    if (!receipt) throw new Error(`no receipt for the owner of ${which}`)
    return receipt
  }

  it('leads to the root that verifiers signed, line by line', () => {
    const receipt = receiptOf('charger')
    expect(receipt.evidenceRoot).toBe(statementOf(bundle).evidenceRoot)
    expect(verifyReceipt(receiptText(receipt))).toEqual([])
    expect(receipt.leaves.map(({ leaf }) => leaf.kind)).toEqual(['delivery', 'delivery', 'line'])
  })

  it('holds nothing of anybody else', () => {
    const receipt = receiptText(receiptOf('charger'))
    expect(receipt).not.toContain('battery')
    for (const { resourceId, salt } of bundle.salts) {
      expect(receipt.includes(salt)).toBe(resourceId === 'charger')
    }
  })

  it('is refused with any one of its digits changed', () => {
    const receipt = receiptText(receiptOf('charger'))
    // Under which id, and by which version, only the chain can tell.
    const end = receipt.indexOf('"requestId"')
    const places = [...receipt.matchAll(/\d/g)].map(({ index }) => index)
    const ofTheTree = places.filter((place) => place < end)
    expect(ofTheTree.length).toBeGreaterThan(300)
    for (const place of ofTheTree) {
      const digit = (Number(receipt[place]) + 1) % 10
      const changed = `${receipt.slice(0, place)}${digit}${receipt.slice(place + 1)}`
      expect(
        differencesOf(changed).length,
        `digit ${place} of ${receipt.slice(place - 30, place)}`,
      ).toBeGreaterThan(0)
    }
  })

  it('is refused where it is no receipt, or not in its one text', () => {
    expect(() => verifyReceipt('{}')).toThrow('expected a gridcall-receipt of format version 1')
    const empty = { ...receiptOf('charger'), leaves: [] }
    expect(() => verifyReceipt(receiptText(empty))).toThrow('leaves: expected at least one')
    const pretty = JSON.stringify(JSON.parse(receiptText(receiptOf('charger'))), null, 2)
    expect(verifyReceipt(pretty)).toMatchObject([{ line: 'receipt', got: 'other' }])
  })

  it('of another owner with this owner’s name on it is refused', () => {
    const renamed = { ...receiptOf('charger'), ownerId: ownerId('somebody') }
    expect(lines(verifyReceipt(receiptText(renamed)))).toEqual(['owner of line charger'])
  })
})

/** A text that is no JSON any more is refused, too. */
function differencesOf(receipt: string): readonly unknown[] {
  try {
    return verifyReceipt(receipt)
  } catch (error) {
    return [error]
  }
}

/** A verifier whose service hands out a forged bundle together with the statement that fits it. */
function verifierShown(forged: EvidenceBundle, refused: Difference[]) {
  const statement = statementOf(forged)
  return createVerifier({
    signed: signedInMemory(),
    attestor: createSimulatedAttestor(SIMULATED_PARTIES.verifiers[0]),
    chain: world.rail,
    verifySignature: verifyEd25519,
    checkMeterSignature,
    log: world.ports().log,
    client: {
      tasks: async () => [{ subject: 'settlement', subjectId: call.id, version: 1, statement }],
      bundle: async () => bundleText(forged),
      attest: async () => {
        throw new Error('it signed')
      },
      refuse: async (_task, _verifier, difference) => void refused.push(difference),
    },
  })
}

describe('an honest bundle', () => {
  it('is recomputed to the same root and the same cents', () => {
    expect(verify(text)).toEqual([])
    expect(statementOf(bundle)).toMatchObject({
      evidenceRoot: call.evidence?.root,
      bundleHash: call.evidence?.bundleHash,
      payoutTotal: call.settlement?.payout,
      feeTotal: call.settlement?.fee,
    })
  })

  it('is refused by a verifier that rounds otherwise, which names the line', async () => {
    const { verifiers } = SIMULATED_PARTIES
    await runVerifiers(world, [0], ceilDiv, verifyEd25519)
    const refusals = await world.store.transaction((tx) =>
      tx.attestations.refusals('settlement', call.id),
    )
    expect(refusals).toMatchObject([{ verifier: verifiers[0], version: 1 }])
    expect(refusals[0]?.line).toMatch(/^line (charger|battery)$/)
    const gross = (json?: string) => BigInt((JSON.parse(json ?? '') as { gross: string }).gross)
    expect(gross(refusals[0]?.expected)).toBe(gross(refusals[0]?.got) + 1n)
  })

  it('is signed by the two others, and paid', async () => {
    await runVerifiers(world, [1, 2], undefined, verifyEd25519)
    await world.passTo(addSeconds(WINDOW_START, 3600), () =>
      runVerifiers(world, [1, 2], undefined, verifyEd25519),
    )
    const ended = await world.store.transaction((tx) => tx.calls.lock(call.id))
    expect(ended.state).toBe('paid')
  })
})
