import { microEurPerKwh } from '#domain/money.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import type { PaymentPolicy } from '#domain/payment-policy.ts'
import type { Program } from '#domain/program.ts'
import { addSeconds } from '#domain/time.ts'
import { createWorld } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, enrolAll, WINDOW_START } from './builders.ts'
import { orderedCall } from './ordered-call.ts'
import { plugBattery } from './simulated-call.ts'

/** 0.02 EUR for each kWh that stands by, and the offered price for each that is used. */
export const STANDBY_POLICY = {
  ...curvePolicy([
    { deliveredBp: 0, payBp: 10_000 },
    { deliveredBp: 10_000, payBp: 10_000 },
  ]),
  name: 'stand-by',
  availability: {
    kind: 'per-kwh-ordered',
    price: microEurPerKwh(20_000n),
    scaledByDelivery: false,
  },
} satisfies PaymentPolicy

export const AVAILABILITY = {
  product: 'availability',
  activationNoticeSeconds: 120,
  paymentPolicy: STANDBY_POLICY,
} as const satisfies Partial<Program>

export const FREQUENCY = {
  product: 'frequency-response',
  frequency: {
    droop: {
      nominalMilliHz: 50_000,
      deadBandOverMilliHz: 20,
      deadBandUnderMilliHz: 20,
      droopOverBp: 40,
      droopUnderBp: 40,
      responseMs: 2_000,
    },
    toleranceBp: 500,
    longestGapMs: 5_000,
  },
  paymentPolicy: STANDBY_POLICY,
} as const satisfies Partial<Program>

/** Q(V) and P(V), each wholly at 8 % over nominal but for the third that may be exported. */
export const VOLTAGE = {
  product: 'voltage-support',
  voltage: {
    curves: [
      {
        kind: 'volt-var',
        points: [
          { voltageBp: 9_200, outputBp: 10_000 },
          { voltageBp: 9_800, outputBp: 0 },
          { voltageBp: 10_200, outputBp: 0 },
          { voltageBp: 10_800, outputBp: -10_000 },
        ],
      },
      {
        kind: 'volt-watt',
        points: [
          { voltageBp: 10_600, outputBp: 10_000 },
          { voltageBp: 10_900, outputBp: 1_000 },
        ],
      },
    ],
    responseMs: 2_000,
    toleranceBp: 500,
    longestGapMs: 5_000,
    spreadBp: 300,
  },
  paymentPolicy: STANDBY_POLICY,
} as const satisfies Partial<Program>

/** Two batteries that answer frequency and voltage; the first one is cheaper. */
export const standbyBatteries = [
  aResource('battery', 'battery', 200_000n),
  aResource('dearer', 'battery', 250_000n),
] as const

/** A world in which 3 kW are reserved for half an hour from the first one; half a minute before. */
export async function standbyWorld(changes: Partial<Program>) {
  const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
  const program = aProgram(changes)
  const world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  await enrolAll(world, standbyBatteries, program)
  const sees = { frequencyMilliHz: () => 50_000, voltageBp: () => 10_000 }
  for (const one of standbyBatteries) plugBattery(world, one, sees)
  const callId = await orderedCall(world, aRequest([3000, 3000]))
  await world.passTo(at(-30))
  return { world, callId, at }
}
