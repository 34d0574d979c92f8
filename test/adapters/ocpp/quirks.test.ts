/** Each family of models behaves as its threads tell, and still ends up with its limit. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { QUIRK_PROFILES, quirksOf } from '#adapters/ocpp/quirks.ts'
import { dial16, plugIn16 } from './station16.ts'
import { ANSWERS_16, ANSWERS_201, connectStation, type WireStation } from './wire-station.ts'
import { charger, PASSWORD, setpoint, startWorld, until, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld({ setUpDeadlineMs: 1_000 })
})

afterEach(async () => {
  await world.stop()
})

type Profile = {
  readonly stackLevel: number
  readonly purpose: string
  readonly kind: string
  readonly unit: string
  readonly limit: number
}
type Rule = (profile: Profile) => 'Accepted' | 'Rejected' | 'silence'
type Payload = Record<string, unknown>

function read(payload: Payload): Profile {
  const profile = payload['csChargingProfiles'] as Payload
  const schedule = profile['chargingSchedule'] as Payload
  const [period] = schedule['chargingSchedulePeriod'] as { limit: number }[]
  return {
    stackLevel: profile['stackLevel'] as number,
    purpose: profile['chargingProfilePurpose'] as string,
    kind: profile['chargingProfileKind'] as string,
    unit: schedule['chargingRateUnit'] as string,
    limit: period?.limit ?? Number.NaN,
  }
}

const only =
  (wanted: Partial<Profile>): Rule =>
  (profile) =>
    Object.entries(wanted).every(([name, value]) => profile[name as keyof Profile] === value)
      ? 'Accepted'
      : 'Rejected'

/** Refuses, or takes and ignores, or passes over in silence: as the threads tell. */
const FAMILIES: readonly {
  readonly vendor: string
  readonly model: string
  readonly firmware?: string
  readonly quirks: string
  readonly rule: Rule
  /** The first form that is tried on a known model. */
  readonly form: string
}[] = [
  {
    vendor: 'Wall Box Chargers',
    model: 'PLP1-0-2-4',
    firmware: '5.11.16',
    quirks: 'wallbox-firmware-5',
    rule: only({ stackLevel: 0, kind: 'Relative' }),
    form: 'TxProfile Relative A level 0',
  },
  {
    vendor: 'Wallbox',
    model: 'PPR1-0-2-4',
    quirks: 'wallbox-pulsar-pro',
    rule: only({ kind: 'Relative' }),
    form: 'TxProfile Relative A level 1',
  },
  {
    vendor: 'Wall Box Chargers',
    model: 'CMX2-0-2-4',
    quirks: 'wallbox',
    rule: only({ kind: 'Relative' }),
    form: 'TxProfile Relative A level 1',
  },
  {
    vendor: 'ABB',
    model: 'TAC-W22-T-R-C-0',
    quirks: 'abb-terra-ac',
    rule: only({ stackLevel: 0 }),
    form: 'TxProfile Absolute A level 0',
  },
  {
    vendor: 'EV-BOX',
    model: 'E3-T11-32',
    quirks: 'evbox-elvi',
    rule: only({ unit: 'A' }),
    form: 'TxProfile Absolute A level 1',
  },
  {
    vendor: 'TIMXON',
    model: 'A0',
    quirks: 'timxon-a0',
    rule: ({ kind, purpose }) => {
      if (kind === 'Absolute') return 'silence'
      return purpose === 'TxDefaultProfile' ? 'Accepted' : 'Rejected'
    },
    form: 'TxDefaultProfile Relative A level 1',
  },
  {
    vendor: 'Autel',
    model: 'MaxiCharger AC',
    quirks: 'autel',
    rule: only({ kind: 'Absolute' }),
    form: 'TxProfile Absolute A level 1',
  },
  {
    vendor: 'Bender GmbH',
    model: 'CC613',
    quirks: 'bender',
    rule: only({ unit: 'A' }),
    form: 'TxProfile Absolute A level 1',
  },
  {
    vendor: 'Huawei',
    model: 'SCharger-22KT-S0',
    quirks: 'huawei',
    rule: only({ unit: 'W' }),
    form: 'TxProfile Absolute W level 1',
  },
]

async function join(
  make: { vendor: string; model: string; firmware?: string },
  rule: Rule,
  answers: object = {},
): Promise<WireStation> {
  const station = await dial16(world, {
    SetChargingProfile: (payload: Payload) => {
      const answer = rule(read(payload))
      return answer === 'silence' ? answer : { status: answer }
    },
    ...answers,
  })
  await station.call('BootNotification', {
    chargePointVendor: make.vendor,
    chargePointModel: make.model,
    ...(make.firmware === undefined ? {} : { firmwareVersion: make.firmware }),
  })
  await until('the set-up', () => world.heard.connected.length > 0, 8_000)
  await plugIn16(station)
  // Default profiles in flash are not written one right after the other.
  world.clock.set(world.clock.now() + 60_000)
  return station
}

test.each(FAMILIES)('$quirks: the first limit that is sent is taken', async (family) => {
  const station = await join(family, family.rule)
  const before = station.callsOf('SetChargingProfile').length
  const { strategy } = await world.driver.apply(resource.id, setpoint(resource), 2_000)
  expect(strategy).toBe(family.form)
  expect(station.callsOf('SetChargingProfile')).toHaveLength(before + 1)
  expect(world.heard.capabilities[0]?.capability.quirks).toBe(family.quirks)
})

test.each(FAMILIES.filter(({ quirks }) => quirks !== 'timxon-a0'))(
  'an unknown model that behaves like $quirks gets its limit by the ladder',
  async ({ rule }) => {
    const station = await join({ vendor: 'Nobody', model: 'One' }, rule)
    const { strategy } = await world.driver.apply(resource.id, setpoint(resource), 2_000)
    expect(rule(read(station.callsOf('SetChargingProfile').at(-1) ?? {}))).toBe('Accepted')
    expect(strategy).not.toBeNull()
    expect(world.heard.capabilities[0]?.capability.quirks).toBeNull()
  },
)

test('an unknown model that does not answer Absolute is asked in Relative, at once where there is time', async () => {
  const timxon = FAMILIES.find(({ quirks }) => quirks === 'timxon-a0')
  await join({ vendor: 'Nobody', model: 'One' }, timxon?.rule ?? only({}))
  await expect(world.driver.apply(resource.id, setpoint(resource), 900)).rejects.toMatchObject({
    code: 'device-unreachable',
  })
  const { strategy } = await world.driver.apply(resource.id, setpoint(resource), 3_300)
  expect(strategy).toBe('TxDefaultProfile Relative A level 1')
})

test('FoxESS: on 2.0.1 it says what its owner can do, and gets 1.6 the next time it offers both', async () => {
  const offers = { protocols: ['ocpp2.0.1', 'ocpp1.6'], password: PASSWORD }
  const modern = await connectStation(world.driver.url('CP-1'), {
    ...offers,
    answers: { ...ANSWERS_201, SetChargingProfile: { error: 'PropertyConstraintViolation' } },
  })
  const chargingStation = { vendorName: 'FoxESS', model: 'A011KP1', firmwareVersion: '1.10' }
  await modern.call('BootNotification', { reason: 'PowerUp', chargingStation })
  await until('the set-up', () => world.heard.connected.length === 1)
  expect(world.heard.connected[0]?.detail).toMatch(/works with OCPP 1\.6 only/)
  await modern.close()
  await until('the loss', () => world.heard.disconnected.length === 1)
  const classic = await connectStation(world.driver.url('CP-1'), {
    ...offers,
    answers: ANSWERS_16,
  })
  expect(classic.socket.protocol).toBe('ocpp1.6')
})

test('Wallbox: what it would take as 18 A is asked as 18 A, and no default holds it there', async () => {
  await world.stop()
  const strong = charger({ rating: { importMaxW: 22_080 } })
  world = await startWorld({}, [strong])
  const station = await join({ vendor: 'Wallbox', model: 'Pulsar Max' }, only({}))
  expect(station.callsOf('SetChargingProfile')).toEqual([])
  await world.driver.apply(strong.id, setpoint(strong, { powerW: 20_000 }), 500)
  expect(read(station.callsOf('SetChargingProfile')[0] ?? {}).limit).toBe(18)
  expect(world.heard.capabilities[0]?.capability).toMatchObject({ offlineFallback: 'unlimited' })
})

test('ABB: no list of measurands is ever read, and only what works is configured', async () => {
  const station = await join({ vendor: 'ABB', model: 'Terra AC' }, only({}))
  const keys = station.callsOf('GetConfiguration').flatMap((one) => one['key'] as string[])
  expect(keys.length).toBeGreaterThan(0)
  expect(keys.filter((key) => /Data$|Measurand/i.test(key))).toEqual([])
  expect(station.callsOf('GetConfiguration').every((one) => one['key'] !== undefined)).toBe(true)
  const lists = station
    .callsOf('ChangeConfiguration')
    .filter((one) => one['key'] === 'MeterValuesAlignedData')
  expect(lists.map((one) => one['value'])).toEqual([
    'Current.Import,Current.Offered,Energy.Active.Import.Register,Power.Active.Import,Voltage',
  ])
})

test('EVBox and EN+: the offered current is not asked for; no maximum profile is written', async () => {
  const station = await join({ vendor: 'EVBox', model: 'Elvi' }, only({}), {
    GetConfiguration: {
      configurationKey: [{ key: 'NumberOfConnectors', readonly: true, value: '1' }],
    },
  })
  const lists = station
    .callsOf('ChangeConfiguration')
    .filter((one) => one['key'] === 'MeterValuesAlignedData')
  expect(lists.map((one) => one['value'])).toEqual([
    'Power.Active.Import,Energy.Active.Import.Register',
  ])
  const purposes = station.callsOf('SetChargingProfile').map((one) => read(one).purpose)
  expect(purposes).toEqual(['TxDefaultProfile'])
})

test('Mennekes: it is not asked for values more often than it has them', async () => {
  const station = await join({ vendor: 'MENNEKES', model: 'AMTRON ACU' }, only({}))
  expect(station.callsOf('ChangeConfiguration')[0]).toEqual({
    key: 'ClockAlignedDataInterval',
    value: '60',
  })
})

test('go-e: the limit after a pause is sent twice, and again once the car charges', async () => {
  const station = await join({ vendor: 'go-e', model: 'Gemini' }, only({}))
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 0 }), 500)
  const before = station.callsOf('SetChargingProfile').length
  await world.driver.apply(resource.id, setpoint(resource, { version: 2 }), 500)
  const charging = { connectorId: 1, errorCode: 'NoError', status: 'Charging' }
  await station.call('StatusNotification', charging)
  await until('the third', () => station.callsOf('SetChargingProfile').length === before + 3)
  await station.call('StatusNotification', charging)
  const limits = station.callsOf('SetChargingProfile').slice(before)
  expect(limits.map((one) => read(one).limit)).toEqual([6, 6, 6])
})

test('Schneider: a refusal says what its owner can do', async () => {
  await join({ vendor: 'Schneider Electric', model: 'EVlink' }, () => 'Rejected')
  await expect(world.driver.apply(resource.id, setpoint(resource), 2_000)).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/load balancer enabled by the installer/),
  })
})

test('each profile names its threads and matches a station that names itself so', () => {
  expect(QUIRK_PROFILES.filter(({ threads }) => threads.length === 0)).toEqual([])
  expect(new Set(QUIRK_PROFILES.map(({ name }) => name)).size).toBe(QUIRK_PROFILES.length)
  for (const { vendor, model, firmware, quirks } of FAMILIES) {
    expect(quirksOf({ vendor, model, firmware: firmware ?? null })?.name).toBe(quirks)
  }
  for (const [vendor, name] of [
    ['FoxESS', 'foxess'],
    ['Schneider Electric', 'schneider'],
    ['Easee AS', 'easee'],
    ['MENNEKES', 'mennekes-acu'],
    ['Etrel', 'etrel'],
    ['EN+ Technology', 'en-plus'],
    ['Growatt', 'growatt'],
    ['Elli', 'elli'],
    ['go-e', 'go-e'],
  ] as const) {
    expect(quirksOf({ vendor, model: null, firmware: null })?.name).toBe(name)
  }
  expect(quirksOf({ vendor: 'Wire', model: 'One', firmware: '5.1' })).toBeNull()
  expect(quirksOf({ vendor: null, model: null, firmware: null })).toBeNull()
})
