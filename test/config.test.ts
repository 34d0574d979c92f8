import { expect, test } from 'vitest'
import { readConfig, refuseOcppWithoutCertificate } from '#config.ts'

const TLS = { GRIDCALL_OCPP_TLS_CERT: 'a.pem, b.pem', GRIDCALL_OCPP_TLS_KEY: 'a.key,b.key' }
const CA = { GRIDCALL_OCPP_TLS_CLIENT_CA: 'ca.pem' }

test.each([
  ['nothing but an open host', { HOST: '0.0.0.0' }],
  ['an address of this machine that others reach', { HOST: '192.168.1.5' }],
  ['profile 2 on the loopback', { GRIDCALL_OCPP_SECURITY_PROFILE: '2' }],
  ['profile 3 with an authority alone', CA],
])('%s: charge points are not served without a certificate', (_what, settings) => {
  const config = readConfig(settings)
  expect(config.ocppSecurity.profile).toBeGreaterThanOrEqual(2)
  expect(() => refuseOcppWithoutCertificate(config)).toThrow('GRIDCALL_OCPP_TLS_CERT: ')
})

test.each([
  ['a certificate without its key', { GRIDCALL_OCPP_TLS_CERT: 'a.pem' }, 'OCPP_TLS_KEY'],
  ['a key too many', { ...TLS, GRIDCALL_OCPP_TLS_KEY: 'a,b,c' }, 'OCPP_TLS_KEY'],
  [
    'profile 1 with a certificate',
    { ...TLS, GRIDCALL_OCPP_SECURITY_PROFILE: '1' },
    'expected 2 or 3',
  ],
  ['profile 3 of nobody', { ...TLS, GRIDCALL_OCPP_SECURITY_PROFILE: '3' }, 'OCPP_TLS_CLIENT_CA'],
  [
    'profile 2 with an authority',
    { ...TLS, ...CA, GRIDCALL_OCPP_SECURITY_PROFILE: '2' },
    'expected 3',
  ],
  ['profile 4', { GRIDCALL_OCPP_SECURITY_PROFILE: '4' }, 'GRIDCALL_OCPP_SECURITY_PROFILE'],
  [
    'a ledger beside a chain',
    { GRIDCALL_RAIL: 'ledger', CHAIN_RPC_URL: 'http://127.0.0.1:8545' },
    'GRIDCALL_RAIL: expected evm with CHAIN_RPC_URL, got ledger',
  ],
  [
    'play money in real use',
    { GRIDCALL_RAIL: 'evm' },
    'GRIDCALL_RAIL: expected ledger without CHAIN_RPC_URL, got evm',
  ],
  ['a rail that is none', { GRIDCALL_RAIL: 'sepa' }, 'GRIDCALL_RAIL: '],
])('%s is refused', (_what, settings, sentence) => {
  expect(() => readConfig(settings)).toThrow(sentence)
})

test.each([
  ['nothing set: plain ws for this machine alone', {}, 1],
  [
    'plain ws for others, asked for by name',
    { HOST: '::', GRIDCALL_OCPP_SECURITY_PROFILE: '1' },
    1,
  ],
  ['a certificate: TLS', TLS, 2],
  ['an open host with a certificate', { ...TLS, HOST: '0.0.0.0' }, 2],
  ['an authority of stations: certificates both ways', { ...TLS, ...CA }, 3],
])('%s', (_what, settings, profile) => {
  const config = readConfig(settings)
  expect(config.ocppSecurity.profile).toBe(profile)
  expect(() => refuseOcppWithoutCertificate(config)).not.toThrow()
})

const SIMULATED = { GRIDCALL_CLOCK_START: '2027-01-19T15:51:00Z' }

test.each([
  ['nothing set: the ledger', {}, 'ledger'],
  ['a chain: that chain', { CHAIN_RPC_URL: 'http://127.0.0.1:8545' }, 'evm'],
  ['a simulated scenario: the ledger too', SIMULATED, 'ledger'],
  ['a simulated scenario, asked for: a local chain', { ...SIMULATED, GRIDCALL_RAIL: 'evm' }, 'evm'],
])('where money is. %s', (_what, settings, rail) => {
  expect(readConfig(settings).rail).toBe(rail)
})
