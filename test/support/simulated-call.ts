import { createSimulatedAttestor, SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import type { CallId } from '#domain/ids.ts'
import type { Rounding } from '#domain/settlement.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds, sameLocalTime } from '#domain/time.ts'
import type { VerifySignature } from '#ports.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { receiveRefusal } from '#lifecycle/receive-refusal.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { verificationTasks } from '#lifecycle/verification-tasks.ts'
import type { World } from '#simulations/world.ts'
import { createVerifier } from '#verifier/verifier.ts'
import { WINDOW_START } from './builders.ts'
import { signedInMemory } from './signed-rounds.ts'

/** A charger whose car draws the same every weekday: machine and history. */
export async function plugCharger(
  world: World,
  resource: Resource,
  powerW: number,
  changes: Partial<SimulatedDeviceOptions> = {},
): Promise<void> {
  plugCar(world, resource, powerW, changes)
  await importHabit(world, resource, powerW)
}

/** A machine with a car at it stands behind the resource. */
export function plugCar(
  world: World,
  resource: Resource,
  powerW: number,
  changes: Partial<SimulatedDeviceOptions> = {},
): void {
  const startRegisterWh = 100_000
  world.driver.plug(resource.id, {
    kind: 'charger',
    naturalW: powerW,
    registerWh: startRegisterWh,
    session: {
      startedAt: world.clock.now(),
      endedAt: null,
      energyNeededWh: powerW * 2,
      departureAt: addSeconds(WINDOW_START, 12 * 3600),
      startRegisterWh,
    },
    ...changes,
  })
}

/** Quarter-hour registers of the weeks before: the same power at the same local time. */
export async function importHabit(
  world: Pick<World, 'ports'>,
  resource: Resource,
  powerW: number,
  stepSeconds = 900,
): Promise<void> {
  const readings = []
  for (let back = 1; back <= 16; back++) {
    for (let quarter = 0; quarter <= 4; quarter++) {
      const at = sameLocalTime(
        addSeconds(WINDOW_START, quarter * stepSeconds),
        back,
        'Europe/Amsterdam',
      )
      const passedWh = Math.round((powerW * quarter * stepSeconds) / 3600)
      const registerWh = 50_000 - back * 1000 + passedWh
      readings.push({ resourceId: resource.id, at, powerW, registerWh, socBp: null })
    }
  }
  await recordTelemetry(world.ports(), readings, 'imported')
}

export function plugBattery(
  world: Pick<World, 'driver'>,
  resource: Resource,
  changes: Partial<SimulatedDeviceOptions> = {},
): void {
  world.driver.plug(resource.id, {
    kind: 'battery',
    naturalW: 0,
    storedWh: 8000,
    energyWh: 10_000,
    ...changes,
  })
}

/** The verifiers of a simulated world look once at what waits for a signature. */
export async function runVerifiers(
  world: Pick<World, 'ports' | 'rail' | 'store'>,
  which: readonly number[] = [0, 1, 2],
  round?: Rounding,
  verifySignature: VerifySignature = verifySimulatedSignature,
): Promise<void> {
  for (const index of which) {
    const address = SIMULATED_PARTIES.verifiers[index]
    if (address === undefined) throw new RangeError(`no verifier ${index}`)
    const verifier = createVerifier({
      signed: signedInMemory(),
      attestor: createSimulatedAttestor(address),
      chain: world.rail,
      verifySignature,
      checkMeterSignature: world.ports().checkMeterSignature,
      log: world.ports().log,
      ...(round ? { round } : {}),
      client: {
        tasks: () => verificationTasks(world.ports(), address),
        async bundle(callId, version) {
          const text = await world.store.transaction((tx) =>
            tx.evidence.load(callId as CallId, version),
          )
          if (text === null) throw new Error(`no bundle ${callId} ${version}`)
          return text
        },
        attest: ({ subject, subjectId, version }, who, signature) =>
          receiveAttestation(world.ports(), {
            subject,
            subjectId,
            version,
            verifier: who,
            signature,
          }),
        refuse: ({ subject, subjectId, version }, who, difference) =>
          receiveRefusal(world.ports(), {
            subject,
            subjectId,
            version,
            verifier: who,
            ...difference,
          }),
      },
    })
    await verifier.tick()
  }
}
