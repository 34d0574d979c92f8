import { expect, test } from 'vitest'
import { CallQueue } from '#adapters/ocpp/call-queue.ts'
import { StationError } from '#adapters/ocpp/frames.ts'
import { wallTimer } from '#test/support/wall-timer.ts'

function queue() {
  const sent: { id: string; action: string }[] = []
  const calls = new CallQueue(wallTimer, 'CP-1', (id, action) => sent.push({ id, action }))
  const call = (action: string, priority = 1, deadlineMs = 1_000, supersedeKey?: string) => {
    const request = { action, payload: {}, priority, deadlineMs }
    return calls.call(supersedeKey === undefined ? request : { ...request, supersedeKey })
  }
  /** Answers the newest CALL that went out. */
  const answer = (payload = {}) => calls.answered(sent.at(-1)?.id ?? '', payload)
  return { calls, call, sent, answer, actions: () => sent.map((one) => one.action) }
}

test('a CALL that waits is not sent after its deadline', async () => {
  const { call, answer, actions } = queue()
  const slow = call('GetBaseReport')
  await expect(call('SetChargingProfile', 0, 30)).rejects.toMatchObject({
    code: 'device-unreachable',
    message: 'station CP-1: no answer to SetChargingProfile within 30 ms',
  })
  answer()
  await slow
  expect(actions()).toEqual(['GetBaseReport'])
})

test('an answer after the deadline, or to nothing, reaches nobody', async () => {
  const { calls, call, sent } = queue()
  await expect(call('Late', 0, 10)).rejects.toThrow('no answer to Late')
  expect(calls.answered(sent[0]?.id ?? '', {})).toBe(false)
  expect(calls.answered('never-asked', {})).toBe(false)
})

test('a lost connection rejects what waits and what comes', async () => {
  const { calls, call } = queue()
  const both = [call('One'), call('Two')]
  calls.close('the line broke')
  for (const promise of both) {
    await expect(promise).rejects.toMatchObject({
      code: 'device-unreachable',
      message: 'station CP-1: the line broke',
    })
  }
  await expect(call('Three')).rejects.toThrow('the line broke')
})

test('a CALLERROR rejects with its code', async () => {
  const { calls, call, sent } = queue()
  const promise = call('One')
  calls.answered(sent[0]?.id ?? '', new StationError('GenericError', 'no idea'))
  await expect(promise).rejects.toThrow('GenericError: no idea')
})

test('a newer order replaces one that waits, never one that is on its way', async () => {
  const { call, answer, actions } = queue()
  const first = call('First', 0, 1_000, 'setpoint 1')
  const second = call('Second', 0, 1_000, 'setpoint 1')
  const other = call('Other', 0, 1_000, 'setpoint 2')
  const third = call('Third', 0, 1_000, 'setpoint 1')
  await expect(second).rejects.toMatchObject({
    code: 'device-refused',
    message: 'superseded by a newer order before it was sent',
  })
  for (const promise of [first, other, third]) {
    answer()
    await promise
  }
  expect(actions()).toEqual(['First', 'Other', 'Third'])
})

test('one CALL is out at a time, and setpoints overtake what waits', async () => {
  const { call, answer, actions } = queue()
  const promises = [call('Configure', 2), call('Configure2', 2), call('Read', 1), call('Limit', 0)]
  expect(actions()).toEqual(['Configure'])
  for (let i = 0; i < 4; i += 1) answer()
  await Promise.all(promises)
  expect(actions()).toEqual(['Configure', 'Limit', 'Read', 'Configure2'])
})

test('ids look like UUIDs, and no two queues ever give the same one', async () => {
  const [one, other] = [queue(), queue()]
  for (let i = 0; i < 20; i += 1) {
    for (const { call, answer } of [one, other]) {
      const asked = call('Heartbeat')
      answer()
      await asked
    }
  }
  const ids = [...one.sent, ...other.sent].map(({ id }) => id)
  expect(new Set(ids).size).toBe(40)
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})

test('a payload goes out as it was given, at once or after it had to wait', async () => {
  const payloads: unknown[] = []
  const calls = new CallQueue(wallTimer, 'CP-1', (id, _action, payload) => {
    payloads.push([id, payload])
  })
  const request = { action: 'ChangeConfiguration', priority: 1, deadlineMs: 1_000 }
  const both = [1, 2].map((value) => calls.call({ ...request, payload: { value } }))
  const [[id]] = payloads as [[string, unknown]]
  calls.answered(id, {})
  calls.close('over')
  expect(payloads.map((one) => (one as unknown[])[1])).toEqual([{ value: 1 }, { value: 2 }])
  await Promise.allSettled(both)
})
