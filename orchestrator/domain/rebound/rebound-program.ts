import {
  addColumn,
  addRow,
  type Draft,
  type LinearProgram,
  type Term,
} from '../allocation/linear-program.ts'
import type { ReboundPeriod, Recovery } from '../rebound.ts'
import { type MustSchedule, needsOf, roomsOf } from './needs.ts'

/** Solvers' values are this near to what they stand for, W. */
const NEAR_W = 1e-3

/**
 * What cars must have as a program whose cost is by how much the room is passed, W: for devices
 * that can be held at nothing between 0 and their least, where going by the latest recovery is not
 * exact. `schedule` reads the values of its columns.
 */
export function reboundProgram(
  recoveries: readonly Recovery[],
  periods: readonly ReboundPeriod[],
): {
  readonly program: LinearProgram
  readonly schedule: (values: ArrayLike<number>) => MustSchedule
} {
  const draft: Draft = { columns: [], rows: [] }
  const rooms = roomsOf(periods)
  const { needs } = needsOf(recoveries, periods, rooms)
  const over = addColumn(draft, { cost: 1, max: Number.POSITIVE_INFINITY })
  const takenIn = periods.map((): Term[] => [])
  const columns: { readonly i: number; readonly t: number; readonly column: number }[] = []
  recoveries.forEach((one, i) => {
    const mine: Term[] = []
    const until = (needs.energyWh[i] as number) > 0 ? (needs.periods[i] as number) : 0
    for (let t = 0; t < until; t += 1) {
      const column = powerColumn(draft, one)
      mine.push([column, rooms[t]?.hours ?? 0])
      takenIn[t]?.push([column, 1])
      columns.push({ i, t, column })
    }
    addRow(draft, mine, '>=', needs.energyWh[i] as number)
  })
  rooms.forEach(({ powerW }, t) => {
    const terms = takenIn[t] as Term[]
    if (terms.length > 0 && Number.isFinite(powerW)) {
      addRow(draft, [...terms, [over, -1]], '<=', powerW)
    }
  })
  const count = recoveries.length
  const schedule = (values: ArrayLike<number>): MustSchedule => {
    const powerW = new Float64Array(count * periods.length)
    for (const { i, t, column } of columns) {
      const { minimumW, powerMaxW } = recoveries[i] as Recovery
      const value = values[column] ?? 0
      const least = Math.min(minimumW, powerMaxW)
      powerW[t * count + i] = value < NEAR_W ? 0 : Math.min(powerMaxW, Math.max(least, value))
    }
    return { powerW, overW: Math.ceil((values[over] ?? 0) - NEAR_W) }
  }
  return { program: draft, schedule }
}

/** Its power in one period: nothing, or between its least and its most. */
function powerColumn(draft: Draft, { minimumW, floorW, powerMaxW }: Recovery): number {
  const column = addColumn(draft, { cost: 0, max: powerMaxW })
  if (floorW > 0) {
    addRow(draft, [[column, 1]], '>=', Math.min(floorW, powerMaxW))
  } else if (minimumW > 0) {
    const isOn = addColumn(draft, { cost: 0, max: 1, isBinary: true })
    addRow(
      draft,
      [
        [column, 1],
        [isOn, -powerMaxW],
      ],
      '<=',
      0,
    )
    addRow(
      draft,
      [
        [column, 1],
        [isOn, -Math.min(minimumW, powerMaxW)],
      ],
      '>=',
      0,
    )
  }
  return column
}
