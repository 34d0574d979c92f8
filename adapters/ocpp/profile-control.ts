import type { Resource } from '#domain/resource.ts'
import {
  clearForeign,
  installDefault,
  installStationMax,
  type Written,
} from './default-profiles.ts'
import { createDynamicProfiles } from './dynamic-profiles.ts'
import { createElsewhere } from './elsewhere.ts'
import type { ProfileForm } from './forms.ts'
import { createPauseRecord } from './pause-record.ts'
import { connectorOf, type ProfileDialect } from './profile-calls.ts'
import { leastInstead, limit, sendAgain, type Told } from './profile-limit.ts'
import type { Parts } from './profile-order.ts'
import { release, writeLater } from './profile-release.ts'
import type { QuirkProfile } from './quirks.ts'
import { readBack } from './read-back.ts'
import type { Session, SessionContext } from './station.ts'

type Known = { readonly form: ProfileForm; readonly quirks: QuirkProfile | null }

export type ProfileControl = Pick<
  Session,
  'limit' | 'leastInstead' | 'release' | 'readBack' | 'heardState' | 'needsTending' | 'tend'
> & {
  /** Writes the default under everything else. */
  installDefault(resource: Resource, known: Known, deadlineMs: number): Promise<Written>
  installStationMax(form: ProfileForm, deadlineMs: number): Promise<Written>
  /** Clears what other systems left, up to the highest stack level; answers do not matter. */
  clearForeign(levelMax: number | null, form: ProfileForm, deadlineMs: number): Promise<void>
}

/** Sets, clears and reads charging profiles on one connection. */
export function createProfileControl(
  context: SessionContext,
  dialect: ProfileDialect,
): ProfileControl {
  const dynamic = createDynamicProfiles(context, dialect)
  const elsewhere = createElsewhere(context, dialect)
  const parts: Parts = { context, dialect, dynamic, pause: createPauseRecord(context) }
  let told: Map<number, Told> | null = null // of stations that were asked
  return {
    installDefault: (resource, known, deadlineMs) =>
      installDefault(context, dialect, resource, known, deadlineMs),
    installStationMax: (form, deadlineMs) => installStationMax(context, dialect, form, deadlineMs),
    clearForeign: (levelMax, form, deadlineMs) =>
      clearForeign(context, dialect, levelMax, form, deadlineMs),
    limit: (resource, setpoint, powerW, deadlineMs) =>
      limit(parts, resource, { setpoint, powerW }, deadlineMs),
    leastInstead: (resource) => leastInstead(parts, resource, told?.get(connectorOf(resource))),
    release: (resource, deadlineMs) => release(parts, resource, deadlineMs),
    async readBack(resource, deadlineMs) {
      const said = await readBack(context, dialect, resource, deadlineMs)
      if (said.by !== 'composite') return said.effective
      elsewhere.saw(resource, said.effective)
      told ??= new Map()
      told.set(connectorOf(resource), { effective: said.effective, at: context.clock.now() })
      return said.effective
    },
    heardState(connectorId, state) {
      if (parts.pause.heard(connectorId, state)) sendAgain(parts, connectorId)
    },
    needsTending() {
      const hasLater = (context.station.setUp?.later.size ?? 0) > 0
      return dynamic.isHolding() || hasLater || elsewhere.isWatching() || parts.pause.isWaiting()
    },
    async tend(deadlineMs) {
      await dynamic.renew(deadlineMs)
      await writeLater(parts, deadlineMs)
      await elsewhere.look(deadlineMs)
      parts.pause.look()
    },
  }
}
