import { expect, test } from 'vitest'
import { playQuirks } from '#test/support/quirk-call.ts'
import type { Played } from '#test/support/quirk-world.ts'
import { signingMeter } from '#test/support/signed-records.ts'

const SPEED = 200

function charger(
  name: string,
  version: Played['version'],
  wrong?: NonNullable<Played['meter']>['wrong'],
): Played {
  const { privateKey, publicKey } = signingMeter()
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const meter = { serial: `M-${name}`, privateKey: pem, publicKey }
  return {
    name,
    quirks: [],
    version,
    orderedW: [7000],
    meter: wrong === undefined ? meter : { ...meter, wrong },
  }
}

test('registers that the meter signed are vouched for by it, over every version of OCPP', async () => {
  const outcomes = await playQuirks(
    [
      charger('signed-16', '1.6'),
      charger('signed-201', '2.0.1'),
      charger('signed-21', '2.1'),
      charger('forged', '1.6', 'changes what was signed'),
      charger('gap', '2.0.1', 'skips pages'),
      { name: 'unsigned', quirks: [], version: '1.6', orderedW: [7000] },
    ],
    SPEED,
    'measured',
  )
  expect(Object.fromEntries(outcomes.map(({ name, assurance }) => [name, assurance]))).toEqual({
    'signed-16': 'A',
    'signed-201': 'A',
    'signed-21': 'A',
    forged: 'B signature-invalid',
    gap: 'B pagination-gap',
    unsigned: 'B no-key',
  })
  for (const { name, chargerToldWh } of outcomes) expect(chargerToldWh, name).toBeGreaterThan(1600)
})
