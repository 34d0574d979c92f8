/**
 * What is known of charger models, as data: how each wants its profiles, and what it gets wrong.
 * A model that is not listed gets the default ladder of forms (forms.ts).
 */
import type { ReadBackKind } from '#domain/capability.ts'
import type { OcppVersion } from './frames.ts'
import type { ProfileKind, RateUnit } from './wire.ts'

export type QuirkProfile = {
  readonly name: string
  /** Matched against what BootNotification tells; null: whatever it says. */
  readonly vendor: RegExp
  readonly model: RegExp | null
  readonly firmware: RegExp | null
  /** Where the behaviour was told: thread, page or source. */
  readonly threads: readonly string[]
  readonly why: string
  readonly unit?: RateUnit
  readonly kind?: ProfileKind
  readonly purpose?: 'TxDefaultProfile'
  /** The only level that takes effect, whatever is advertised. */
  readonly stackLevel?: 0
  /** It refuses a maximum profile for the whole station. */
  readonly stationMax?: false
  /** Any higher limit takes effect as this one. */
  readonly largestLimitA?: number
  /** How often a limit is sent after a pause until it holds; 1 where nothing is said. */
  readonly timesAfterPause?: 2
  readonly readBack?: ReadBackKind
  /** It reports no more often than this. */
  readonly meterIntervalSeconds?: number
  /** All that may be asked of its meter. */
  readonly measurands?: readonly string[]
  /** The only version of OCPP that works on it. */
  readonly version?: OcppVersion
  readonly pauses?: boolean
  readonly resumes?: boolean
  /** What its owner can do where it refuses. */
  readonly advice?: string
}

const EVCC = 'src evcc@b29b49e30 templates/definition/charger/ocpp-*.yaml'
const FIELD_NOTES = 'src lbbrhzn/ocpp docs/supported-devices.md'
const WITHOUT_OFFERED = ['Power.Active.Import', 'Energy.Active.Import.Register'] as const

type Matched = Pick<QuirkProfile, 'vendor'> & Partial<Pick<QuirkProfile, 'model' | 'firmware'>>
type Told = Omit<QuirkProfile, 'name' | 'vendor' | 'model' | 'firmware'>

function quirk(name: string, matched: Matched, told: Told): QuirkProfile {
  return { name, model: null, firmware: null, ...matched, ...told }
}

/** The first that matches holds: the special before the general. */
export const QUIRK_PROFILES: readonly QuirkProfile[] = [
  quirk(
    'wallbox-firmware-5',
    { vendor: /wall ?box/i, firmware: /^v?5\./i },
    {
      threads: ['evcc-io/evcc#15493', 'evcc-io/evcc#18974', EVCC],
      why: 'knows level 0 and Relative only; 19 A and more become 18 A',
      kind: 'Relative',
      stackLevel: 0,
      largestLimitA: 18,
    },
  ),
  quirk(
    'wallbox-pulsar-pro',
    { vendor: /wall ?box/i, model: /pulsar\W*pro|ppr/i },
    {
      threads: ['evcc-io/evcc#31597'],
      why: 'an old profile on a higher level wins for ever; Current.Offered is no proof',
      kind: 'Relative',
      readBack: 'composite',
    },
  ),
  quirk(
    'wallbox',
    { vendor: /wall ?box/i, model: /pulsar|commander|copper|plp|pum|cmx|cpb/i },
    {
      threads: ['evcc-io/evcc#18974', EVCC],
      why: 'wants Relative; 19 A and more become 18 A',
      kind: 'Relative',
      largestLimitA: 18,
    },
  ),
  quirk(
    'abb-terra-ac',
    { vendor: /\babb\b/i },
    {
      threads: ['evcc-io/evcc#4957', 'evcc-io/evcc#15493', 'lbbrhzn/ocpp#1275'],
      why: 'advertises level 3 and needs 0; restarts for ever once a list of measurands is read back',
      stackLevel: 0,
      measurands: [
        'Current.Import',
        'Current.Offered',
        'Energy.Active.Import.Register',
        'Power.Active.Import',
        'Voltage',
      ],
    },
  ),
  quirk(
    'evbox-elvi',
    { vendor: /ev-?box/i },
    {
      threads: ['lbbrhzn/ocpp#221', 'lbbrhzn/ocpp#1703', 'bender.de ocpp-smart-charging', EVCC],
      why: 'no maximum profile, amperes only, no offered current, refuses high levels',
      unit: 'A',
      stationMax: false,
      measurands: WITHOUT_OFFERED,
    },
  ),
  quirk(
    'timxon-a0',
    { vendor: /timxon/i },
    {
      threads: ['lbbrhzn/ocpp#2158'],
      why: 'refuses maximum profile and TxProfile, does not answer Absolute at all',
      kind: 'Relative',
      purpose: 'TxDefaultProfile',
      stationMax: false,
    },
  ),
  quirk(
    'autel',
    { vendor: /autel/i },
    {
      threads: ['lbbrhzn/ocpp#2154', FIELD_NOTES],
      why: 'wants Absolute; its station status says Available while the connector is suspended',
      kind: 'Absolute',
      advice: 'it takes wss only once a CA file was uploaded to it',
    },
  ),
  quirk(
    'go-e',
    { vendor: /go-?e\b/i },
    {
      threads: [
        'goecharger/go-eCharger-API-v2#155',
        'goecharger/go-eCharger-API-v2#249',
        'goecharger/go-eCharger-API-v2#105',
      ],
      why: 'passes over the first limit after a pause; ignores profiles for transaction 0',
      timesAfterPause: 2,
    },
  ),
  quirk(
    'foxess',
    { vendor: /fox ?ess/i },
    {
      threads: [FIELD_NOTES],
      why: 'checks 2.0.1 profiles against its 1.6 schema and refuses each; no power after a restart',
      version: 'ocpp1.6',
      resumes: false,
      advice: 'set it to OCPP 1.6',
    },
  ),
  quirk(
    'schneider',
    { vendor: /schneider/i },
    {
      threads: ['lbbrhzn/ocpp#263'],
      why: 'refuses profiles while its load balancer is disabled',
      advice: 'have its load balancer enabled by the installer',
    },
  ),
  quirk(
    'bender',
    { vendor: /bender|ebee/i },
    { threads: ['bender.de ocpp-smart-charging'], why: 'amperes only', unit: 'A' },
  ),
  quirk('huawei', { vendor: /huawei/i }, { threads: [EVCC], why: 'watts only', unit: 'W' }),
  quirk(
    'easee',
    { vendor: /easee/i },
    { threads: [EVCC], why: 'reports every 30 s at most', meterIntervalSeconds: 30 },
  ),
  quirk(
    'mennekes-acu',
    { vendor: /mennekes/i },
    {
      threads: [EVCC],
      why: 'reports every 60 s at most, power only during a transaction',
      meterIntervalSeconds: 60,
    },
  ),
  quirk(
    'etrel',
    { vendor: /etrel/i },
    {
      threads: ['lbbrhzn/ocpp#1000'],
      why: 'negative transaction ids of its own in meter values: they name no transaction',
    },
  ),
  quirk(
    'en-plus',
    { vendor: /en\+|en-?plus/i },
    {
      threads: [EVCC],
      why: 'accepts every measurand and delivers a few: the offered current is not among them',
      measurands: WITHOUT_OFFERED,
    },
  ),
  quirk(
    'growatt',
    { vendor: /growatt/i },
    { threads: ['evcc-io/evcc#10399'], why: 'stamps without offset: read as UTC' },
  ),
  quirk(
    'elli',
    { vendor: /\belli\b|volkswagen/i },
    {
      threads: ['evcc-io/evcc#15174'],
      why: 'begins each charge at 6 A: a level found then proves nothing about a limit',
    },
  ),
  quirk(
    'ocular-lte',
    { vendor: /ocular/i },
    {
      threads: [FIELD_NOTES],
      why: 'a remote stop leaves it in Finishing: it is paused by 0 A and never stopped',
    },
  ),
]

/** How a station named itself in its last BootNotification. */
export type Make = {
  readonly vendor: string | null
  readonly model: string | null
  readonly firmware: string | null
}

/** null: nothing special is known of this model. */
export function quirksOf(make: Make): QuirkProfile | null {
  const fits = (pattern: RegExp | null, told: string | null) =>
    pattern === null || (told !== null && pattern.test(told.trim()))
  return (
    QUIRK_PROFILES.find(
      ({ vendor, model, firmware }) =>
        fits(vendor, make.vendor) && fits(model, make.model) && fits(firmware, make.firmware),
    ) ?? null
  )
}
