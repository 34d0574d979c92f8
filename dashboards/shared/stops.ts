import { batch, type Signal, signal } from '@preact/signals'
import type { Client, CongestionPoint, EmergencyStop } from '../api.ts'

/** Stops of all control that whoever reads the page may see, and the places there are. */
export type Stops = {
  readonly client: Client
  readonly all: Signal<readonly EmergencyStop[]>
  readonly places: Signal<readonly CongestionPoint[]>
  refresh(): Promise<void>
  /** Does a stop stand that some device has not answered yet? */
  isUnderWay(): boolean
}

export function createStops(client: Client): Stops {
  const all = signal<readonly EmergencyStop[]>([])
  const places = signal<readonly CongestionPoint[]>([])
  return {
    client,
    all,
    places,
    async refresh() {
      const [stops, points] = await Promise.all([
        client.v1['emergency-stops'].$get().then((answer) => answer.json()),
        client.v1['congestion-points'].$get().then((answer) => answer.json()),
      ])
      batch(() => {
        all.value = stops
        places.value = points
      })
    },
    isUnderWay: () => standing(all.peek()).some(({ told, letGo }) => letGo < told),
  }
}

export function standing(stops: readonly EmergencyStop[]): EmergencyStop[] {
  return stops.filter(({ liftedAt }) => liftedAt === null)
}
