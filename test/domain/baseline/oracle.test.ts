import { expect, test } from 'vitest'
import { BUILT_IN_METHODS } from '#domain/baseline/methods.ts'
import { agreementTests } from './oracle/agreement.ts'
import { ORACLES } from './oracle/methods.ts'

test('every built-in method has an oracle', () => {
  expect(Object.keys(ORACLES).toSorted()).toEqual(
    BUILT_IN_METHODS.map(({ name }) => name).toSorted(),
  )
})

// A thousand are compared by test/faults/baseline-oracle.test.ts.
agreementTests(400)
