import type { Refusal } from './call-refusals.ts'
import { batteryBody, chargerBody, offerBody } from './service.ts'

const charger = (changes: object) =>
  ['POST', '/v1/resources', chargerBody('charger-new', 'anna', changes)] as const
const battery = (connection: object) =>
  ['POST', '/v1/resources', batteryBody('battery-new', 'anna', { connection })] as const
const room = (said: object) =>
  ['PUT', '/v1/congestion-points/cp-north/room', { room: said }] as const
const owner = (payout: object) => ['POST', '/v1/owners', { payout }] as const
const history = (...readings: object[]) =>
  ['POST', '/v1/resources/charger-anna/history', { readings }] as const
const trust = (thumbprint: string) =>
  ['POST', '/v1/resources/charger-anna/trust', { thumbprint }] as const
const attestation = (body: object) =>
  ['POST', '/v1/verification/attestations', { version: 1, signature: '0x11', ...body }] as const
const { rating } = chargerBody('x', 'x')
const meter = (serial: string, publicKey: string) => charger({ meter: { serial, publicKey } })

/** Of enrolment, and of what verifiers send. */
export const ENROLMENT_REFUSALS: readonly Refusal[] = [
  [
    'a serial number that no meter has',
    'agg',
    meter(' M-1', 'ab'.repeat(64)),
    '400 malformed meter.serial',
    /1 to 50/,
    /^ M-1/,
  ],
  [
    'a meter key that is none',
    'agg',
    meter('M-1', 'no key'),
    '400 malformed meter.publicKey',
    /hex or base64/,
    /no key/,
  ],
  [
    'a day of seven slots at a congestion point',
    'dso',
    room({ limitW: 1000, baseLoadW: [1, 2, 3, 4, 5, 6, 7] }),
    '400 malformed room.baseLoadW',
    /equal slots of a day/,
    /7/,
  ],
  [
    'a congestion point through which less than nothing may flow',
    'dso',
    room({ limitW: -1, baseLoadW: [0] }),
    '400 malformed room.limitW',
    /from 0/,
    /-1/,
  ],
  [
    'a wallet that is no address',
    'agg',
    owner({ kind: 'wallet', address: '0x12' }),
    '400 malformed payout.address',
    /40 hex/,
    /0x12/,
  ],
  [
    'the zero address as a wallet',
    'agg',
    owner({ kind: 'wallet', address: `0x${'0'.repeat(40)}` }),
    '400 malformed payout.address',
    /zero address/,
    /0x0/,
  ],
  [
    'an IBAN with a wrong digit',
    'agg',
    owner({ kind: 'agent', iban: 'NL92ABNA0417164300' }),
    '422 bad-iban payout.iban',
    /mod 97/,
    /18 characters that is not repeated/,
  ],
  [
    'an IBAN that is too short',
    'agg',
    owner({ kind: 'agent', iban: 'NL91ABNA041716430' }),
    '422 bad-iban payout.iban',
    /18 characters for NL/,
    /17/,
  ],
  [
    'an IBAN that is a number',
    'agg',
    owner({ kind: 'agent', iban: 91 }),
    '400 malformed payout.iban',
    /text/,
    /not repeated/,
  ],
  [
    'a charger that exports from a car of which nothing is known',
    'agg',
    charger({ rating: { ...rating, exportMaxW: 5, energyWh: 0, reserveWh: 0 } }),
    '400 malformed rating.exportMaxW',
    /0 for a charger/,
    /5/,
  ],
  [
    'a minimum above the maximum',
    'agg',
    charger({ rating: { ...rating, importMinW: 8000 } }),
    '400 malformed rating.importMinW',
    /7360/,
    /8000/,
  ],
  [
    'two phases',
    'agg',
    charger({ rating: { ...rating, phases: 2 } }),
    '400 malformed rating.phases',
    /^1 or 3$/,
    /2/,
  ],
  [
    'an offer for no direction',
    'agg',
    charger({ offer: { ...offerBody('1'), directions: [] } }),
    '400 malformed offer.directions',
    /at least one/,
    /\[\]/,
  ],
  [
    'an offer that ends before it begins',
    'agg',
    charger({ offer: { ...offerBody('1'), fromMinute: 600, untilMinute: 600 } }),
    '400 malformed offer.untilMinute',
    /601/,
    /600/,
  ],
  [
    'an identity with a colon',
    'agg',
    charger({ connection: { protocol: 'ocpp', identity: 'a:b' } }),
    '400 malformed connection.identity',
    /48 letters/,
    /a:b/,
  ],
  [
    'a station enrolled already',
    'agg',
    charger({ connection: { protocol: 'ocpp', identity: 'charger-anna' } }),
    '409 duplicate connection.identity',
    /not enrolled/,
    /charger-anna/,
  ],
  [
    'a protocol nobody speaks',
    'agg',
    charger({ connection: { protocol: 'telex' } }),
    '400 malformed connection.protocol',
    /^"ocpp" or "opcua" or "modbus"$/,
    /telex/,
  ],
  [
    'an inverter without a host',
    'agg',
    battery({ protocol: 'modbus' }),
    '400 malformed connection.host',
    /text/,
    /nothing/,
  ],
  [
    'an inverter at an address with a path',
    'agg',
    battery({ protocol: 'modbus', host: 'inverter/1' }),
    '400 malformed connection.host',
    /a host name or an IP address/,
    /inverter\/1/,
  ],
  [
    'an inverter at a port beyond the last',
    'agg',
    battery({ protocol: 'modbus', host: 'inverter', port: 65_536 }),
    '400 malformed connection.port',
    /65535/,
    /65536/,
  ],
  [
    'an inverter behind the unit of a broadcast',
    'agg',
    battery({ protocol: 'modbus', host: 'inverter', unitId: 0 }),
    '400 malformed connection.unitId',
    /1 to 247/,
    /^0$/,
  ],
  [
    'an endpoint over http',
    'agg',
    battery({ protocol: 'opcua', endpoint: 'http://a:1', thumbprint: null }),
    '400 malformed connection.endpoint',
    /opc\.tcp:/,
    /http:/,
  ],
  [
    'a password in an endpoint',
    'agg',
    battery({ protocol: 'opcua', endpoint: 'opc.tcp://u:p@a:1', thumbprint: null }),
    '400 malformed connection.endpoint',
    /without a user name/,
    /opc/,
  ],
  [
    'a battery with a path in place of its browse name',
    'agg',
    battery({ protocol: 'opcua', endpoint: 'opc.tcp://a:1', thumbprint: null, object: 'A/B' }),
    '400 malformed connection.object',
    /1 to 64 letters/,
    /A\/B/,
  ],
  [
    'a thumbprint that is too short',
    'agg',
    trust('AB:CD'),
    '400 malformed thumbprint',
    /40 hexadecimal/,
    /AB:CD/,
  ],
  [
    'a new password for a battery',
    'otherAgg',
    ['POST', '/v1/resources/battery-bert/credential', {}],
    '409 wrong-state connection.protocol',
    /ocpp/,
    /opcua/,
  ],
  [
    'trust in a station',
    'agg',
    trust('AB'.repeat(20)),
    '409 wrong-state connection.protocol',
    /opcua/,
    /ocpp/,
  ],
  [
    'history from the future',
    'agg',
    history({ at: '2027-01-01T00:00:00Z', registerWh: 1 }),
    '400 malformed readings[0].at',
    /not after/,
    /2027/,
  ],
  [
    'history out of order',
    'agg',
    history(
      { at: '2026-01-02T00:00:00Z', registerWh: 1 },
      { at: '2026-01-01T00:00:00Z', registerWh: 2 },
    ),
    '400 malformed readings[1].at',
    /after 2026-01-02/,
    /2026-01-01/,
  ],
  [
    'a register that falls',
    'agg',
    history(
      { at: '2026-01-01T00:00:00Z', registerWh: 5 },
      { at: '2026-01-02T00:00:00Z', registerWh: 4 },
    ),
    '400 malformed readings[1].registerWh',
    /at least 5 Wh/,
    /4/,
  ],
  [
    'an attestation of another verifier',
    'verifier',
    attestation({ subject: 'settlement', subjectId: 'c', verifier: `0x${'1'.repeat(40)}` }),
    '422 bad-attestation verifier',
    /your own address/,
    /0x111/,
  ],
  [
    'an attestation of nothing',
    'verifier',
    attestation({ subject: 'epoch', subjectId: '7' }),
    '404 not-found subjectId',
    /epoch that waits/,
    /7/,
  ],
]
