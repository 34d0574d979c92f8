import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInPolicy, PAYMENT_POLICIES } from '#domain/payment-policies.ts'
import { policyHash } from '#domain/payment-policy.ts'
import { dso } from '../support/builders.ts'
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

describe('payment policies over HTTP', () => {
  it('are listed with their hashes, for everybody with a key', async () => {
    const answer = await service.send('GET', '/v1/payment-policies', { key: town.keys.anna })
    expect(answer.status).toBe(200)
    const listed = answer.body as { hash: string; policy: { name: string } }[]
    expect(listed.map(({ hash, policy }) => [policy.name, hash])).toEqual(
      PAYMENT_POLICIES.map((policy) => [policy.name, policyHash(policy)]),
    )
  })

  it.each(PAYMENT_POLICIES.map(({ name }, i) => [name, i] as const))(
    '%s can be named, is shown in full, and what is shown can be sent again',
    async (builtIn, i) => {
      const version = 10 + 2 * i
      const named = await put({ version, paymentPolicy: { builtIn } })
      expect(named.status).toBe(200)
      const { paymentPolicy } = named.body
      expect(paymentPolicy).toMatchObject({ name: builtIn, version: 1 })
      const again = await put({ version: version + 1, paymentPolicy })
      expect(again.body.paymentPolicy).toEqual(paymentPolicy)
      const programs = await service.ports.store.transaction((tx) => tx.organisations.program(dso))
      expect(programs?.paymentPolicy).toEqual(builtInPolicy(builtIn))
    },
  )
})
