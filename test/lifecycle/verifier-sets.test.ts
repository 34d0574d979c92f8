import { afterEach, expect, it } from 'vitest'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import type { RailParties } from '#domain/chain.ts'
import type { Address } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'

const [first, second, third] = SIMULATED_PARTIES.verifiers
const battery = aResource('battery', 'battery', 200_000n)

let world: World
afterEach(() => world.stop())

it('a call is settled by the set that it was opened with, and its epoch by the newest', async () => {
  const before = { verifierSetId: 1, verifiers: [first, second], quorum: 2 }
  let sets: Partial<RailParties> = before
  const program = aProgram({ epochSeconds: 3600 })
  world = createWorld({
    start: addSeconds(WINDOW_START, -1200),
    ...program,
    interpose: (ports, driver) => {
      const { rail } = ports
      const changing = {
        ...rail,
        get parties() {
          return { ...rail.parties, ...sets }
        },
      }
      return { ports: { ...ports, rail: changing }, driver }
    },
  })
  await world.boot()
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([2000, 2000]))
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(addSeconds(WINDOW_START, 60))

  const newest = { verifierSetId: 2, verifiers: [second, third], quorum: 2 }
  sets = { ...newest, olderSets: [before] }
  await world.passTo(addSeconds(WINDOW_START, 4500), () => runVerifiers(world))

  const signers = (subject: 'settlement' | 'epoch', id: string): Promise<Set<Address>> =>
    world.store.transaction(async ({ attestations }) => {
      return new Set((await attestations.of(subject, id)).map(({ verifier }) => verifier))
    })
  expect(await signers('settlement', call.id)).toEqual(new Set([first, second]))
  expect(await signers('epoch', '1')).toEqual(new Set([second, third]))
  const [epoch] = await world.store.transaction((tx) => tx.payouts.list())
  expect(epoch).toMatchObject({ epoch: 1, state: 'paid', callIds: [call.id] })
})
