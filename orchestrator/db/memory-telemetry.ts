import type { BusinessEvent } from '#domain/business-event.ts'
import type { Attestation, Refusal } from '#domain/evidence.ts'
import type { ChargingSession } from '#domain/resource.ts'
import type { SignedRecord } from '#domain/signed-meter/meter-key.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { memoryReadings } from './memory-readings.ts'
import type { MakeTable } from './memory-store.ts'

type Telemetry = Pick<
  StoreTransaction,
  'readings' | 'signedRecords' | 'sessions' | 'evidence' | 'attestations' | 'events'
>

/** Readings, sessions, evidence, attestations and business events in memory. */
export function memoryTelemetry(makeTable: MakeTable): Telemetry {
  return {
    readings: memoryReadings(makeTable),
    signedRecords: memorySignedRecords(makeTable),
    sessions: memorySessions(makeTable),
    evidence: memoryEvidence(makeTable),
    attestations: memoryAttestations(makeTable),
    events: memoryEvents(makeTable),
  }
}

function memorySignedRecords(makeTable: MakeTable): Telemetry['signedRecords'] {
  const records = makeTable<SignedRecord>()
  const rank = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return {
    append: async (rows) =>
      rows.filter((record) => records.add(`${record.resourceId} ${record.hash}`, record)).length,
    between: async (ids, from, until) =>
      records
        .values()
        .filter((r) => ids.includes(r.resourceId) && r.at >= from && r.at <= until)
        .sort((a, b) => rank(a.resourceId, b.resourceId) || a.at - b.at || rank(a.hash, b.hash)),
  }
}

function memorySessions(makeTable: MakeTable): Telemetry['sessions'] {
  const sessions = makeTable<ChargingSession>()
  return {
    async save(session) {
      const key = `${session.resourceId} ${session.startedAt}`
      const known = sessions.get(key)
      sessions.set(key, {
        ...session,
        endedAt: session.endedAt ?? known?.endedAt ?? null,
        energyNeededWh: session.energyNeededWh ?? known?.energyNeededWh ?? null,
        departureAt: session.departureAt ?? known?.departureAt ?? null,
        startRegisterWh: least(session.startRegisterWh, known?.startRegisterWh ?? null),
      })
    },
    at: async (ids, at) =>
      sessions
        .values()
        .filter(
          (s) =>
            ids.includes(s.resourceId) &&
            s.startedAt <= at &&
            (s.endedAt === null || s.endedAt > at),
        )
        .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1)),
  }
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
}

function memoryEvidence(makeTable: MakeTable): Telemetry['evidence'] {
  const bundles = makeTable<string>()
  return {
    async save(callId, version, bundle) {
      const key = `${callId} ${version}`
      if (!bundles.add(key, bundle) && bundles.get(key) !== bundle) {
        throw new Error(`evidence ${key} is already there with other bytes`)
      }
    },
    load: async (callId, version) => bundles.get(`${callId} ${version}`) ?? null,
  }
}

function memoryAttestations(makeTable: MakeTable): Telemetry['attestations'] {
  const attestations = makeTable<Attestation>()
  const refusals = makeTable<Refusal>()
  const key = (a: Attestation | Refusal) =>
    `${a.subject} ${a.subjectId} ${a.version} ${a.verifier.toLowerCase()}`
  return {
    async save(attestation) {
      attestations.add(key(attestation), attestation)
    },
    async refuse(refusal) {
      refusals.add(key(refusal), refusal)
    },
    of: async (subject, id) =>
      attestations.values().filter((a) => a.subject === subject && a.subjectId === id),
    refusals: async (subject, id) =>
      refusals.values().filter((r) => r.subject === subject && r.subjectId === id),
  }
}

function memoryEvents(makeTable: MakeTable): Telemetry['events'] {
  const events = makeTable<BusinessEvent>()
  return {
    async append(inputs) {
      for (const input of inputs) {
        const sequence = events.size + 1
        events.set(String(sequence), { ...input, sequence })
      }
    },
    after: async (sequence, limit) =>
      events
        .values()
        .filter((e) => e.sequence > sequence)
        .slice(0, limit),
    ofCall: async (callId) => events.values().filter((e) => e.callId === callId),
    latest: async (kinds) => events.values().findLast(({ kind }) => kinds.includes(kind)) ?? null,
  }
}
