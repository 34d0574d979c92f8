import { microEurPerKwh } from './money.ts'
import type { PaymentCurve, PaymentPolicy } from './payment-policy.ts'

/** Each delivered kWh of the order is paid in full. */
const FLAT: PaymentCurve = [
  { deliveredBp: 0, payBp: 10_000 },
  { deliveredBp: 10_000, payBp: 10_000 },
]

const PLAIN = {
  version: 1,
  over: 'window',
  price: { kind: 'offered' },
  curve: FLAT,
  capBp: 10_000,
  floorBp: 0,
  penalty: { kind: 'none' },
  availability: { kind: 'none' },
  deadBand: { bp: 0, pays: 'all' },
  carry: 'none',
  provisionalShareBp: 10_000,
  trueUpSeconds: 0,
} as const satisfies Partial<PaymentPolicy>

/** A policy of a payment curve alone: pay-as-offered over the window, nothing held back. */
export function curvePolicy(curve: PaymentCurve): PaymentPolicy {
  return { ...PLAIN, name: 'curve', status: 'published', source: "the program's own", curve }
}

const UFTP: PaymentPolicy = {
  ...PLAIN,
  name: 'uftp',
  status: 'published',
  source: 'USEF Flex Trading Protocol 3.0, settle phase: the worked table at 7 and 11 EUR/MW',
  over: 'period',
  penalty: { kind: 'per-kwh-deficient', price: microEurPerKwh(11_000n) },
}

/** The month's reservation is what is earned; energy itself is not paid. */
const BIP: PaymentPolicy = {
  ...PLAIN,
  name: 'bip',
  status: 'published',
  source:
    'PG&E Base Interruptible Program, an older page of pge.com: 6 USD per kWh above the level',
  over: 'period',
  price: { kind: 'fixed', price: microEurPerKwh(0n) },
  penalty: {
    kind: 'per-kwh-above-firm-level',
    price: microEurPerKwh(6_000_000n),
    firmLevelW: 400_000,
  },
  availability: {
    kind: 'per-kw-month',
    price: microEurPerKwh(8_000_000n),
    scaledByDelivery: false,
    extraFromCall: 0,
    extra: { price: microEurPerKwh(0n) },
  },
}

const ELRP: PaymentPolicy = {
  ...PLAIN,
  name: 'elrp',
  status: 'published',
  source: 'California Emergency Load Reduction Program, cpuc.ca.gov: 2 USD per kWh, no penalty',
  price: { kind: 'fixed', price: microEurPerKwh(2_000_000n) },
}

const DEG: PaymentPolicy = {
  ...PLAIN,
  name: 'deg',
  status: 'published',
  source: 'beckn/DEG demand-flex-contractpolicy.rego at 0101b48: price 10, shortfall penalty 4',
  over: 'period',
  penalty: { kind: 'per-kwh-deficient', price: microEurPerKwh(4_000_000n) },
}

const NGED_SU: PaymentPolicy = {
  ...PLAIN,
  name: 'nged-su-example',
  status: 'published',
  source: 'dso.nationalgrid.co.uk, earnings and use cases: the worked example, all delivered',
  over: 'period',
}

const SSEN_TRANSITION: PaymentPolicy = {
  ...PLAIN,
  name: 'ssen-transition-like',
  status: 'reading',
  source: 'ssen-transition.com: a sliding scale from 50 to 100 % per half-hour; straight is ours',
  over: 'period',
  curve: [
    { deliveredBp: 5000, payBp: 0 },
    { deliveredBp: 10_000, payBp: 10_000 },
  ],
}

const SWITCH: PaymentPolicy = {
  ...PLAIN,
  name: 'switch-like',
  status: 'reading',
  source: 'reported of SWITCH (SE): less than 75 % delivered, nothing paid',
  floorBp: 7500,
}

const STHLMFLEX: PaymentPolicy = {
  ...PLAIN,
  name: 'sthlmflex-like',
  status: 'reading',
  source: 'reported of NODES and sthlmflex (SE): a threshold of 80 %',
  floorBp: 8000,
}

const DLRP: PaymentPolicy = {
  ...PLAIN,
  name: 'dlrp-like',
  status: 'reading',
  source: 'coned.com (2017): 18 USD per kW-month, 5 more from the fifth call, 1 USD per kWh',
  price: { kind: 'fixed', price: microEurPerKwh(1_000_000n) },
  availability: {
    kind: 'per-kw-month',
    price: microEurPerKwh(18_000_000n),
    // Reported: the reservation is scaled by a performance factor.
    scaledByDelivery: true,
    extraFromCall: 5,
    extra: { price: microEurPerKwh(5_000_000n) },
  },
}

/** Nothing for noise: what lies within 5 % of the baseline over the window is not paid. */
const DEAD_BAND: PaymentPolicy = {
  ...PLAIN,
  name: 'dead-band',
  status: 'published',
  source: 'Gridcall: 5 % of the baseline per window is deducted, a baseline is no more exact',
  deadBand: { bp: 500, pays: 'rest' },
}

const MONTHLY_NET: PaymentPolicy = {
  ...PLAIN,
  name: 'monthly-net',
  status: 'published',
  source: 'Gridcall: signed results are carried within the month of settlement',
  carry: 'month',
}

const TRUE_UP: PaymentPolicy = {
  ...PLAIN,
  name: 'provisional-70',
  status: 'published',
  source: 'Gridcall: 70 % at once, the rest when late readings and corrections are in',
  provisionalShareBp: 7000,
  trueUpSeconds: 14 * 86_400,
}

/**
 * Policies that a program may name instead of writing them out. Amounts are in millionths of the
 * publisher's own currency.
 */
export const PAYMENT_POLICIES: readonly PaymentPolicy[] = [
  UFTP,
  BIP,
  ELRP,
  DEG,
  NGED_SU,
  SSEN_TRANSITION,
  SWITCH,
  STHLMFLEX,
  DLRP,
  DEAD_BAND,
  MONTHLY_NET,
  TRUE_UP,
]

/** A built-in policy by its name, newest version unless one is named; null where there is none. */
export function builtInPolicy(name: string, version?: number): PaymentPolicy | null {
  const named = PAYMENT_POLICIES.filter(
    (policy) => policy.name === name && (version === undefined || policy.version === version),
  )
  return named.toSorted((a, b) => b.version - a.version)[0] ?? null
}
