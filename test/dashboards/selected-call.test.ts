import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { CallSummary } from '#dashboards/api.ts'

type Choose = typeof import('#dashboards/shared/selected-call.ts')['callToShow']

const a = (id: string, state: CallSummary['state']): CallSummary => ({
  id,
  state,
  congestionPointId: 'cp',
  direction: 'reduce-import',
  window: { start: '2026-01-14T16:00:00Z', end: '2026-01-14T16:30:00Z' },
  requestedAt: '2026-01-14T15:50:00Z',
})

/** Lists have the newest window first. */
describe('the call that is shown', () => {
  let callToShow: Choose
  beforeAll(async () => {
    vi.stubGlobal('location', { hash: '' })
    vi.stubGlobal('addEventListener', () => undefined)
    callToShow = (await import('#dashboards/shared/selected-call.ts')).callToShow
  })

  test('is none where there is none, and not one that is unknown', () => {
    expect(callToShow([], 'x', 'y')).toBeNull()
    expect(callToShow([a('1', 'paid')], 'x', null)).toBe('1')
  })

  test('is the chosen one, ended or not', () => {
    expect(callToShow([a('2', 'dispatched'), a('1', 'paid')], '1', '2')).toBe('1')
  })

  test('stays while it has not ended, though another one begins to run', () => {
    expect(callToShow([a('2', 'dispatched'), a('1', 'dispatched')], null, '1')).toBe('1')
  })

  test('is what runs, then what comes first, then what was last', () => {
    expect(
      callToShow([a('3', 'ordered'), a('2', 'dispatched'), a('1', 'measured')], null, null),
    ).toBe('2')
    expect(callToShow([a('3', 'requested'), a('2', 'ordered'), a('1', 'paid')], null, null)).toBe(
      '2',
    )
    expect(callToShow([a('2', 'paid'), a('1', 'paid')], null, null)).toBe('2')
  })

  test('once ended it makes way for an open one, else it stays', () => {
    expect(callToShow([a('2', 'requested'), a('1', 'paid')], null, '1')).toBe('2')
    expect(callToShow([a('2', 'paid'), a('1', 'paid')], null, '1')).toBe('1')
  })
})
