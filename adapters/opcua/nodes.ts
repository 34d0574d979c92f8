import type { ClientSession, NodeId } from 'node-opcua'
import type { Opcua } from './library.ts'
import { type PointName, pointsOf, type Product } from './product.ts'

/** Where a product's points, methods and object stand on one server, as long as one client lives. */
export type Nodes = {
  readonly namespaceIndex: number
  readonly object: NodeId
  readonly points: ReadonlyMap<PointName, NodeId>
  readonly methods: ReadonlyMap<string, NodeId>
}

const objectsFolder = 'i=85'

/**
 * Finds a product on a server by its namespace's URI and its browse names: node ids and the index
 * of the namespace may be others after every restart.
 * @throws Error naming what the server lacks
 */
export async function findNodes(
  opcua: Opcua,
  session: ClientSession,
  product: Product,
): Promise<Nodes> {
  const namespaces = await session.readNamespaceArray()
  const index = namespaces.indexOf(product.namespaceUri)
  if (index < 0) {
    throw new Error(
      `expected a battery of ${product.namespaceUri}, got a server of ${namespaces.join(', ')}`,
    )
  }
  const { control, frequency, object, points, voltage } = product
  const needed = control.kind === 'methods' ? [control.setActivePower, control.releaseSetpoint] : []
  const perhaps = [frequency, voltage].flatMap((one) => {
    return one === undefined ? [] : [one.arm, one.disarm, one.recording]
  })
  const methods = [...needed, ...perhaps]
  const names = pointsOf(product)
  const paths = [
    object,
    ...names.map((name) => [...object, ...(points[name]?.path ?? [])]),
    ...methods.map((name) => [...object, name]),
  ]
  const bnf = (path: readonly string[]) => path.map((name) => `/${index}:${name}`).join('')
  const found = await session.translateBrowsePath(
    paths.map((path) => opcua.makeBrowsePath(objectsFolder, bnf(path))),
  )
  const targets = found.map(({ targets: all }) => all?.[0]?.targetId ?? null)
  const missing = paths.flatMap((path, i) => {
    const name = names[i - 1]
    const isOptional =
      (name !== undefined && points[name]?.optional === true) || i > names.length + needed.length
    return targets[i] === null && !isOptional ? [path.join('/')] : []
  })
  if (missing.length > 0) throw new Error(`expected a ${product.title}, got none of ${missing}`)
  const at = (i: number) => targets[i] ?? null
  const entries = <K>(keys: readonly K[], from: number) =>
    keys.flatMap((key, i): [K, NodeId][] => {
      const target = at(from + i)
      return target === null ? [] : [[key, target]]
    })
  return {
    namespaceIndex: index,
    object: targets[0] as NodeId,
    points: new Map(entries(names, 1)),
    methods: new Map(entries(methods, 1 + names.length)),
  }
}
