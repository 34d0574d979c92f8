import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '#commands/emergency-stop.ts'
import { aTown, type Service, startService, type Town } from '../http/service.ts'
import { runWord } from '../support/run-word.ts'

let service: Service
let town: Town
beforeAll(async () => {
  service = await startService()
  town = await aTown(service)
})
afterAll(() => service.stop())

async function word(key: string, ...args: string[]) {
  const env = { GRIDCALL_API_KEY: key, GRIDCALL_API_URL: service.url }
  const { code, stdout } = await runWord(run, [...args, '--json'], env)
  return { code, answer: stdout === '' ? null : JSON.parse(stdout) }
}

describe('gridcall emergency-stop', () => {
  test.each([
    [[]],
    [['--point', 'cp-north']],
    [['--point', 'cp-north', '--everywhere', '--reason', 'both']],
  ])('explains itself for %j', async (args) => {
    expect(await word(service.operatorKey, ...args)).toEqual({ code: 2, answer: null })
  })

  test('refuses a congestion point that is not there, and a wait that is none', async () => {
    const key = service.operatorKey
    const nowhere = word(key, '--point', 'cp-nowhere', '--reason', 'a line is down')
    await expect(nowhere).rejects.toThrow('unknown-congestion-point')
    const wait = word(key, '--everywhere', '--reason', 'x', '--wait', 'long')
    await expect(wait).rejects.toThrow('--wait: expected seconds')
    await expect(word(key, '--lift', 'stop-unknown')).rejects.toThrow('404')
  })

  test('stops, lists and lifts, for the DSO of the point too', async () => {
    const stop = await word(town.keys.dso, '--point', 'cp-north', '--reason', 'a line is down')
    expect(stop).toMatchObject({
      code: 0,
      answer: { congestionPointId: 'cp-north', by: 'dso', told: 0, letGo: 0, liftedAt: null },
    })
    expect(stop.answer.tookMs).toBeGreaterThanOrEqual(0)
    const { answer } = await word(service.operatorKey, '--list')
    expect(answer.stops).toMatchObject([{ id: stop.answer.id }])
    const lifted = await word(town.keys.dso, '--lift', stop.answer.id)
    expect(lifted.answer.liftedAt).toMatch(/^20/)
  })
})
