import { expect, test } from 'vitest'
import type { IntentRow } from '#domain/chain.ts'
import { createOutboxWatch } from '#http/outbox-watch.ts'

const row = (businessKey: string, state: IntentRow['state']): IntentRow => ({
  businessKey,
  state,
  intent: { kind: 'activateEpoch', epoch: 1 },
  hash: null,
  nonce: null,
  raw: null,
  reason: null,
})

test('the oldest is what was seen to wait longest, and a new one begins anew', () => {
  let now = 5_000
  const watch = createOutboxWatch({ monotonicMs: () => now })
  expect(watch.see([])).toEqual({ pending: 0, sent: 0, oldestSeconds: 0, isStuck: false })
  expect(watch.see([row('a', 'sent')])).toEqual({
    pending: 0,
    sent: 1,
    oldestSeconds: 0,
    isStuck: false,
  })
  now += 60_000
  const both = [row('a', 'sent'), row('b', 'sent'), row('c', 'pending')]
  expect(watch.see(both)).toEqual({ pending: 1, sent: 2, oldestSeconds: 60, isStuck: false })
  now += 10_000
  expect(watch.see(both.slice(1))).toEqual({
    pending: 1,
    sent: 1,
    oldestSeconds: 10,
    isStuck: false,
  })
  expect(watch.see([])).toEqual({ pending: 0, sent: 0, oldestSeconds: 0, isStuck: false })
  now += 1_000
  expect(watch.see([row('a', 'sent')]).oldestSeconds).toBe(0)
  now += 3_600_000
  expect(watch.see([row('a', 'sent')]).isStuck).toBe(false)
  now += 1_000
  expect(watch.see([row('a', 'sent')]).isStuck).toBe(true)
  // A database that does not answer once is no news: what is stuck stays so, and grows older.
  now += 1_000
  const blind = { pending: 0, sent: 1, oldestSeconds: 3_602, isStuck: true }
  expect(watch.see(null)).toEqual(blind)
  expect(watch.see([row('a', 'sent')])).toEqual(blind)
})
