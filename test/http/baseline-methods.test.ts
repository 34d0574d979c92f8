import { afterAll, beforeAll, expect, test } from 'vitest'
import { methodHash } from '#domain/baseline/method.ts'
import { BUILT_IN_METHODS } from '#domain/baseline/methods.ts'
import { baselineMethod } from '../support/builders.ts'
import { aTown, programBody, type Service, startService, type Town } from './service.ts'

let service: Service
let town: Town
beforeAll(async () => {
  service = await startService()
  town = await aTown(service)
})
afterAll(() => service.stop())

const put = (changes: object) =>
  service.send('PUT', '/v1/programs', { key: town.keys.dso, body: programBody(changes) })

test('every built-in method is shown whole, with its hash and what it suits', async () => {
  const { status, body } = await service.send('GET', '/v1/baseline-methods', { key: town.keys.agg })
  expect(status).toBe(200)
  expect(body.map((shown: { method: object }) => shown.method)).toEqual(BUILT_IN_METHODS)
  expect(body.map((shown: { hash: string }) => shown.hash)).toEqual(
    BUILT_IN_METHODS.map(methodHash),
  )
  const fleet = body.find((shown: { method: { name: string } }) => {
    return shown.method.name === 'state-based-ev'
  })
  expect(fleet.suits[0].deviceClass).toMatch(/nobody told/)
})

test('a program that names a method holds its whole data, and can be sent again as it is', async () => {
  const dsoId = 'dso'
  const named = { chargerBaseline: { builtIn: 'state-based-ev' }, holidays: ['2026-12-25'] }
  const first = await put({ dsoId, version: 2, ...named })
  expect(first.status).toBe(200)
  expect(first.body.chargerBaseline).toEqual(baselineMethod('state-based-ev'))
  expect(first.body.holidays).toEqual(['2026-12-25'])
  const again = await service.send('PUT', '/v1/programs', { key: town.keys.dso, body: first.body })
  expect(again.body).toEqual(first.body)
})

test('a rule of one’s own stands under its own name', async () => {
  const own = { ...baselineMethod('mid-8-of-10'), name: 'ours', rounding: 'floor' }
  const saved = await put({ dsoId: 'dso', version: 3, batteryBaseline: own })
  expect(saved.body.batteryBaseline).toEqual(own)
})
