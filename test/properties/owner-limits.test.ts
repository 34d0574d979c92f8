import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type permit as Permit, permit } from '#domain/permission.ts'
import { aLimitedDevice, type LimitedDevice, liveThrough } from '../support/limited-device.ts'

/** A judge that lets everything pass. */
const grantAll: typeof Permit = ({ powerW, validUntil }) => ({
  kind: 'granted',
  powerW,
  validUntil,
})

/** Nothing goes wrong, nobody wants anything, and the battery is full. */
const QUIET: LimitedDevice = {
  kind: 'battery',
  energyWh: 10_000,
  exportMaxW: 5000,
  importMaxW: 7000,
  reserveBp: 2000,
  saidBp: null,
  startBp: 8000,
  natural: 0,
  lossPercent: 0,
  underLaw: false,
  wanted: [-100, -100, -100, -100],
  readyMinute: 90,
  readyIsSaidBy: 'car',
  needBp: 0,
  rests: false,
  tapers: [100],
  delaySteps: 0,
  lagCycles: 0,
  silentCycles: [],
  deadFromCycle: null,
  withdrawn: null,
  chargeNow: null,
  overridden: null,
  stopped: null,
}
const car: LimitedDevice = { ...QUIET, kind: 'charger', wanted: [0, 0, 0, 0], needBp: 7000 }

const CASES: readonly [string, LimitedDevice, RegExp][] = [
  ['a reserve', { ...QUIET, startBp: 5000 }, /Wh are left of/],
  ['a reserve that the owner raised', { ...QUIET, saidBp: 6000 }, /Wh are left of 6000/],
  ['a reserve, with nobody there to see it', { ...QUIET, startBp: 4000, deadFromCycle: 1 }, /left/],
  ["a car's departure", car, /the car had/],
  ["a car's departure that its owner named", { ...car, readyIsSaidBy: 'owner' }, /the car had/],
  ['a consent that was withdrawn', { ...QUIET, withdrawn: 300 }, /without consent/],
  ['a wish for full power', { ...QUIET, chargeNow: 300 }, /owner wants full power/],
  ["a driver's wish for full power", { ...QUIET, overridden: 300 }, /driver wants full power/],
  ['an emergency stop', { ...QUIET, stopped: 300 }, /emergency stop/],
  ["the law's floor", { ...car, needBp: 0, underLaw: true }, /below the law's 4200 W/],
]

describe('limits of an owner, of the law and of safety', () => {
  it.each(CASES)('%s is kept, and would be broken without the judge', (_, device, broken) => {
    expect(liveThrough(device, grantAll).join('; ')).toMatch(broken)
    expect(liveThrough(device, permit)).toEqual([])
  })

  it('are never broken, whatever the fleet, the window and what fails', () => {
    fc.assert(
      fc.property(fc.array(aLimitedDevice, { minLength: 1, maxLength: 4 }), (fleet) => {
        expect(fleet.flatMap((device) => liveThrough(device, permit))).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('leave the rest of a call alone: what needs no limit is granted in full', () => {
    const asked: number[] = []
    const counting: typeof Permit = (wanted, ...rest) => {
      const found = permit(wanted, ...rest)
      if (found.kind !== 'granted' || found.powerW !== wanted.powerW) asked.push(wanted.powerW)
      return found
    }
    // 5 kW for an hour take 5.3 kWh out of it; 6 kWh lie above its reserve.
    expect(liveThrough(QUIET, counting)).toEqual([])
    // A car that needs 2 kWh in the half hour after its hour's pause, where it draws 7 kW.
    expect(liveThrough({ ...car, needBp: 2000 }, counting)).toEqual([])
    expect(asked).toEqual([])
  })
})
