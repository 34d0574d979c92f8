import fc from 'fast-check'
import type { Limits, Wanted } from '#domain/allocation/limits.ts'

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
