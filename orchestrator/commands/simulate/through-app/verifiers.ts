import { createSimulatedAttestor, SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { callId, type Address, type Hex } from '#domain/ids.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { receiveRefusal } from '#lifecycle/receive-refusal.ts'
import { verificationTasks } from '#lifecycle/verification-tasks.ts'
import type { World } from '#simulations/world.ts'
import { createVerifier, type SignedRounds, type VerificationClient } from '#verifier/verifier.ts'

/** As many verifiers as a settlement needs; they recompute every call as those of a real one do. */
export function yearVerifiers(world: World): { look(): Promise<void> } {
  const ports = world.ports()
  const addresses = SIMULATED_PARTIES.verifiers.slice(0, ports.rail.parties.quorum)
  const verifiers = addresses.map((address) =>
    createVerifier({
      signed: inMemory(),
      attestor: createSimulatedAttestor(address),
      chain: world.rail,
      verifySignature: verifySimulatedSignature,
      checkMeterSignature: ports.checkMeterSignature,
      log: ports.log,
      client: clientOf(world, address),
    }),
  )
  return {
    async look() {
      for (const verifier of verifiers) await verifier.tick()
    },
  }
}

function clientOf(world: World, address: Address): VerificationClient {
  const ports = world.ports()
  return {
    tasks: () => verificationTasks(ports, address),
    async bundle(id, version) {
      const text = await world.store.transaction((tx) => tx.evidence.load(callId(id), version))
      if (text === null) throw new Error(`there is no evidence ${version} of ${id}`)
      return text
    },
    attest: ({ subject, subjectId, version }, verifier, signature) =>
      receiveAttestation(ports, { subject, subjectId, version, verifier, signature }),
    refuse: ({ subject, subjectId, version }, verifier, difference) =>
      receiveRefusal(ports, { subject, subjectId, version, verifier, ...difference }),
  }
}

function inMemory(): SignedRounds {
  const known = new Map<string, Hex>()
  return {
    async keep(requestId, round, statement) {
      const key = `${requestId} ${round}`
      const kept = known.get(key) ?? statement
      known.set(key, kept)
      return kept
    },
  }
}
