import fc from 'fast-check'
import { energyOf, type Limits, type Plan, type Wanted } from '#domain/allocation/limits.ts'

export type Instance = { readonly devices: readonly Limits[]; readonly wanted: Wanted }

/** Devices with constant limits, a few of them equal or empty, and a demand that may be too large. */
export const anInstance: fc.Arbitrary<Instance> = fc
  .record({
    hours: fc.constantFrom(0.25, 0.5, 1),
    effects: fc.boolean(),
    devices: fc.array(
      fc.record({
        price: fc.integer({ min: 20_000, max: 100_000 }),
        powerW: fc.integer({ min: 3_000, max: 11_000 }),
        hoursToGo: fc.oneof(
          { weight: 1, arbitrary: fc.constantFrom(0, 1) },
          { weight: 5, arbitrary: fc.double({ min: 0.2, max: 4.2, noNaN: true }) },
        ),
        effect: fc.double({ min: 0.8, max: 1.2, noNaN: true }),
      }),
      { minLength: 2, maxLength: 15 },
    ),
    shares: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 0.9, noNaN: true })), {
      minLength: 1,
      maxLength: 9,
    }),
  })
  .map(({ hours, effects, devices, shares }) => {
    const all = devices.reduce((sum, { powerW }) => sum + powerW, 0)
    return {
      devices: devices.map(({ price, powerW, hoursToGo, effect }, i) => ({
        id: `r${i}`,
        price,
        maxW: shares.map(() => powerW),
        energyWh: powerW * hoursToGo,
        ...(effects ? { effect } : {}),
      })),
      wanted: { powerW: shares.map((share) => share * all), hours: shares.map(() => hours) },
    }
  })

/**
 * Two or three devices with every kind of limit, all in whole kW and periods of an hour: then some
 * best allocation is in whole kW, too.
 */
export const anOddInstance: fc.Arbitrary<Instance> = fc
  .record({
    periods: fc.constantFrom(2, 3),
    devices: fc.array(
      fc.record({
        price: fc.integer({ min: 20_000, max: 100_000 }),
        kw: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 }),
        kwh: fc.integer({ min: 1, max: 9 }),
        minKw: fc.integer({ min: 0, max: 2 }),
        stops: fc.boolean(),
        beyondKw: fc.integer({ min: 0, max: 2 }),
        minOnPeriods: fc.constantFrom(1, 1, 2),
        allOrNothing: fc.constantFrom(false, false, false, true),
      }),
      { minLength: 2, maxLength: 3 },
    ),
    askedKw: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 3 }),
  })
  .map(({ periods, devices, askedKw }) => {
    const few = periods === 3 ? devices.slice(0, 2) : devices
    const watts = (kw: readonly number[]) => kw.slice(0, periods).map((one) => one * 1000)
    return {
      devices: few.map(
        ({ price, kw, kwh, minKw, stops, beyondKw, minOnPeriods, allOrNothing }, i) => {
          const base = { id: `r${i}`, price, maxW: watts(kw), energyWh: kwh * 1000 }
          if (allOrNothing) return { ...base, allOrNothing }
          const stopW = watts(kw.map((one) => one + 2))
          const stopToW = stopW.map((one) => one + beyondKw * 1000)
          return {
            ...base,
            minW: minKw * 1000,
            minOnPeriods: minKw > 0 ? minOnPeriods : 1,
            ...(stops ? { stopW, stopToW } : {}),
          }
        },
      ),
      wanted: { powerW: watts(askedKw), hours: watts([1, 1, 1]).map(() => 1) },
    }
  })

/**
 * The same behind a feeder, in periods of which one may be longer than the others, and one may ask
 * for far more than there is. The best allocation is no longer sure to be in whole kW.
 */
export const anUnevenInstance: fc.Arbitrary<Instance> = fc
  .record({
    odd: anOddInstance,
    effects: fc.array(fc.constantFrom(0.5, 0.6137, 1, 1.0479), { minLength: 3, maxLength: 3 }),
    hours: fc.constantFrom([0.25, 0.25, 0.25], [1, 1, 1], [1, 0.5, 0.25], [0.25, 1, 1]),
    hugeW: fc.constantFrom(0, 1_000_000),
  })
  .map(({ odd: { devices, wanted }, effects, hours, hugeW }) => ({
    devices: devices.map((device, i) => ({ ...device, effect: effects[i] as number })),
    wanted: {
      powerW: wanted.powerW.map((askedW, t) => (t === 0 ? askedW + hugeW : askedW)),
      hours: hours.slice(0, wanted.powerW.length),
    },
  }))

/** The same with batteries of a few steps, or these alone; what is asked for is no whole step. */
export const anInstanceWithSmallOnes: fc.Arbitrary<Instance> = fc
  .record({
    uneven: anUnevenInstance,
    isSmall: fc.boolean(),
    oddW: fc.integer({ min: 0, max: 199 }),
    small: fc.array(
      fc.record({
        price: fc.integer({ min: 20_000, max: 100_000 }),
        steps: fc.integer({ min: 1, max: 3 }),
        effect: fc.constantFrom(0.6137, 1, 1.0479),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ uneven: { devices, wanted }, isSmall, oddW, small }) => {
    const batteries = small.map(({ price, steps, effect }, i) => {
      const maxW = wanted.powerW.map(() => steps * 100)
      return { id: `small${i}`, price, effect, maxW, energyWh: steps * 400 }
    })
    if (isSmall) {
      // A tenth, so that these few come near to serving it.
      const powerW = wanted.powerW.map((askedW) => (askedW % 1_000_000) / 10 + oddW)
      return { devices: batteries, wanted: { ...wanted, powerW } }
    }
    const powerW = wanted.powerW.map((askedW) => askedW + oddW)
    return { devices: [...devices, ...batteries], wanted: { ...wanted, powerW } }
  })

/** Each breach of a limit or of the demand, in words. Of a W too much there may be a part. */
export function breaches(
  devices: readonly Limits[],
  wanted: Wanted,
  { powerW }: Plan,
  tooMuchW = 1e-3,
): string[] {
  const found: string[] = []
  wanted.powerW.forEach((asked, t) => {
    const given = devices.reduce((sum, { effect = 1 }, i) => {
      return sum + effect * (powerW[i]?.[t] ?? 0)
    }, 0)
    if (given > asked + tooMuchW) found.push(`period ${t}: ${given} of ${asked} W`)
  })
  devices.forEach((device, i) => {
    const { id, maxW, minW = 0, stopW = [], stopToW = stopW, energyWh, allOrNothing } = device
    const mine = powerW[i] ?? []
    if (energyOf(mine, wanted) > energyWh + 1e-3) found.push(`${id}: energy`)
    mine.forEach((power, t) => {
      const isStop = power >= (stopW[t] ?? Infinity) && power <= (stopToW[t] ?? 0)
      const isBetween = power >= minW && power <= (maxW[t] ?? 0) + 1e-6
      if (power !== 0 && !isStop && !isBetween) found.push(`${id}: ${power} W in period ${t}`)
      if (allOrNothing && mine.some((one) => one > 0) && power !== maxW[t]) {
        found.push(`${id}: ${power} W is neither all nor nothing`)
      }
    })
    const runs = mine
      .map((power) => (power > 0 ? 'x' : ' '))
      .join('')
      .split(' ')
    const isShort = runs.some((run) => run !== '' && run.length < (device.minOnPeriods ?? 1))
    if (isShort) found.push(`${id}: on too short`)
  })
  return found
}
