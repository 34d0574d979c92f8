import type { Feeder, FeederBranch, FeederBus } from './feeder.ts'

/**
 * Puts buses and branches in order away from the root and turns every branch so that it leads away from
 * it. A branch that closes a loop and a bus that no branch reaches are reported; then there is no tree.
 */
export function growTree(
  root: string,
  buses: readonly FeederBus[],
  branches: readonly FeederBranch[],
  report: (field: string, expected: string, got: unknown) => void,
): Pick<Feeder, 'buses' | 'branches' | 'parents'> | null {
  const known = new Map(buses.map((bus) => [bus.id, bus]))
  const at = new Map<string, number[]>(buses.map(({ id }) => [id, []]))
  branches.forEach(({ from, to }, index) => {
    at.get(from)?.push(index)
    at.get(to)?.push(index)
  })
  const place = new Map([[root, 0]])
  const cameFrom = new Map<string, string>()
  const queue = [root]
  const walked = new Set<number>()
  const grown: { branches: FeederBranch[]; parents: number[] } = { branches: [], parents: [] }
  let isTree = true
  for (let id = queue[0], next = 1; id !== undefined; id = queue[next++]) {
    for (const index of at.get(id) ?? []) {
      const branch = branches[index]
      if (branch === undefined || walked.has(index)) continue
      walked.add(index)
      const to = branch.from === id ? branch.to : branch.from
      if (place.has(to)) {
        const loop = loopThrough(id, to, cameFrom)
        report(`branches[${index}]`, 'a feeder without loops', `a loop through ${loop.join(', ')}`)
        isTree = false
        continue
      }
      grown.branches.push({ ...branch, from: id, to })
      grown.parents.push(place.get(id) ?? 0)
      place.set(to, queue.length)
      cameFrom.set(to, id)
      queue.push(to)
    }
  }
  buses.forEach(({ id }, index) => {
    if (place.has(id)) return
    report(`buses[${index}]`, 'a way from the root', `an island with ${id}`)
    isTree = false
  })
  if (!isTree) return null
  return { ...grown, buses: queue.flatMap((id) => known.get(id) ?? []) }
}

/** The buses of the loop that two buses close which both have a way from the root. */
function loopThrough(a: string, b: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const [up, down] = [wayUp(a, cameFrom), wayUp(b, cameFrom)]
  const others = new Set(down)
  const top = up.findIndex((id) => others.has(id))
  const meeting = up[top]
  return [
    ...up.slice(0, top + 1),
    ...down
      .slice(
        0,
        down.findIndex((id) => id === meeting),
      )
      .reverse(),
  ]
}

function wayUp(id: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [id]
  for (let at = cameFrom.get(id); at !== undefined; at = cameFrom.get(at)) way.push(at)
  return way
}
