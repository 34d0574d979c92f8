/** Many batteries on one OPC UA server, each an object of its own made after the NodeSet's one. */
import {
  type AddressSpace,
  DataType,
  type INamespace,
  StatusCodes,
  type UAObject,
  type UAVariable,
  Variant,
  VariantArrayType,
} from 'node-opcua'

const NAMESPACE = 'urn:gridcall:bess'
const RATED_W = 5_000
/** So many times a second some of the batteries have new values: never all of them at once. */
const TURNS = 50

export type Park = {
  /** Browse names of its batteries. */
  readonly names: readonly string[]
  /** No new values any more. */
  stop(): void
}

/** Adds batteries beside the one of the NodeSet, with new values each second. */
export function addBatteries(space: AddressSpace, count: number): Park {
  const namespace = space.getNamespace(NAMESPACE)
  const pattern = space.findNode(`ns=${namespace.index};s=BESS`) as UAObject
  const names = Array.from({ length: count }, (_, i) => `BESS-${i}`)
  const batteries = names.map((name) => addBattery(space, namespace, pattern, name))
  let turn = 0
  const begun = performance.now()
  const beats = setInterval(() => {
    // By the time that has passed: an interval alone falls behind.
    for (const due = ((performance.now() - begun) * TURNS) / 1000; turn < due; turn += 1) {
      for (let i = turn % TURNS; i < batteries.length; i += TURNS) {
        beat(batteries[i] as Points, 1 + Math.floor(turn / TURNS))
      }
    }
  }, 1000 / TURNS)
  return { names, stop: () => clearInterval(beats) }
}

type Points = ReadonlyMap<string, UAVariable>

function addBattery(
  space: AddressSpace,
  namespace: INamespace,
  pattern: UAObject,
  name: string,
): Points {
  const { objects } = space.rootFolder
  const object = namespace.addObject({
    browseName: name,
    nodeId: `s=${name}`,
    organizedBy: objects,
  })
  const points = new Map<string, UAVariable>()
  for (const node of pattern.getComponents()) {
    if (!('readValue' in node)) continue // its methods follow
    const variable = node as UAVariable
    const { dataType, valueRank, accessLevel } = variable
    const { value } = variable.readValue()
    const browseName = variable.browseName.name ?? ''
    const nodeId = `s=${name}.${browseName}`
    const told = { browseName, nodeId, dataType, valueRank, value, accessLevel }
    points.set(browseName, namespace.addVariable({ componentOf: object, ...told }))
  }
  set(points, 'MaxChargeRating', DataType.Double, RATED_W)
  set(points, 'MaxDischargeRating', DataType.Double, RATED_W)
  for (const method of pattern.getMethods()) {
    const browseName = method.browseName.name ?? ''
    const made = namespace.addMethod(object, {
      browseName,
      nodeId: `s=${name}.${browseName}`,
      inputArguments: method.getInputArguments(),
      outputArguments: method.getOutputArguments(),
    })
    made.bindMethod((inputs, _context, done) => {
      const result = new Variant({ dataType: DataType.Int32, value: obey(points, inputs) })
      done(null, { statusCode: StatusCodes.Good, outputArguments: [result] })
    })
  }
  return points
}

/** Three arguments are an order, one is a release. Answers that it is accepted. */
function obey(points: Points, inputs: readonly Variant[]): number {
  const [setpoint, validUntil] = inputs
  const isOrder = validUntil !== undefined
  if (isOrder) {
    set(points, 'ActivePowerSetpoint', DataType.Double, setpoint?.value)
    set(points, 'SetpointValidUntil', DataType.DateTime, validUntil.value)
  }
  set(points, 'SetpointEnable', DataType.Boolean, isOrder)
  return 0
}

function beat(points: Points, second: number): void {
  const power = second % RATED_W
  set(points, 'DeviceHeartbeat', DataType.UInt32, second)
  set(points, 'ActivePower', DataType.Double, power)
  set(points, 'StateOfCharge', DataType.Double, 20 + (second % 60))
  points.get('MeterRecord')?.setValueFromSource({
    dataType: DataType.Double,
    arrayType: VariantArrayType.Array,
    value: Float64Array.of(second * 1000, power, 0, second, 50),
  })
}

function set(points: Points, name: string, dataType: DataType, value: unknown): void {
  points.get(name)?.setValueFromSource({ dataType, value })
}
