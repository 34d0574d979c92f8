import { describe, expect, it } from 'vitest'
import { createSimulatedSigner, verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { callId, gatewayId, resourceId } from '#domain/ids.ts'
import { recordingFault, signRecording } from '#domain/signed-recording.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../support/builders.ts'

const whose = { callId: callId('call'), resourceId: resourceId('battery') }
const id = gatewayId('gateway-1')
const { publicKey, sign } = createSimulatedSigner('gateway-1')
const keys = [{ id, publicKey }]
const columns = { at: [WINDOW_START, addSeconds(WINDOW_START, 1)], powerW: [0, -3000] }
const recording = signRecording(whose, columns, { id, sign })
const fieldOf = (changed: object, of = whose, known = keys) =>
  recordingFault(of, { ...recording, ...changed }, known, verifySimulatedSignature)?.field

describe('what a device recorded, signed by its gateway', () => {
  it('is refused with the field that is not what was signed', () => {
    expect(fieldOf({ signed: undefined })).toBe('signed')
    expect(fieldOf({ powerW: [0, -2999] })).toBe('powerW')
    expect(fieldOf({ powerW: [-3000, 0] })).toBe('powerW')
    expect(fieldOf({ at: [WINDOW_START] })).toBe('at')
    expect(fieldOf({ voltageMilliV: [1, 2] })).toBe('voltageMilliV')
    const { signed } = recording
    const { at: _, ...fewer } = signed.columns
    expect(fieldOf({ signed: { ...signed, columns: fewer } })).toBe('at')
    expect(fieldOf({ signed: { ...signed, hash: publicKey } })).toBe('hash')
    expect(fieldOf({ signed: { ...signed, signature: publicKey } })).toBe('signature')
  })

  it('is that of no other call and device, nor by another gateway', () => {
    expect(fieldOf({}, { ...whose, callId: callId('other') })).toBe('hash')
    expect(fieldOf({}, { ...whose, resourceId: resourceId('other') })).toBe('hash')
    const other = createSimulatedSigner('gateway-2').publicKey
    expect(fieldOf({}, whose, [])).toBe('signature')
    expect(fieldOf({}, whose, [{ id, publicKey: other }])).toBe('signature')
    const renamed = { ...recording.signed, gatewayId: gatewayId('gateway-2') }
    expect(fieldOf({ signed: renamed })).toBe('hash')
  })

  it('holds as the gateway signed it, also once it was stored', () => {
    const stored: typeof recording = JSON.parse(JSON.stringify(recording))
    expect(recordingFault(whose, stored, keys, verifySimulatedSignature)).toBeNull()
  })
})
