/** The piece of grid behind a congestion point: devices, everything else, and what it may carry. */
export type FeederSpec = {
  readonly congestionPoint: string
  readonly firmLimitW: number
  /** What flows without our devices; each value holds until the next. Business ms. */
  readonly baseLoad: readonly { readonly at: number; readonly powerW: number }[]
}

export type FeederLoad = {
  readonly loadW: number
  readonly firmLimitW: number
  /** Above 0: how much too much. */
  readonly excessW: number
}

/** The load at an instant, with what the devices behind this point draw, + is import. */
export function feederLoad(spec: FeederSpec, at: number, devicesW: number): FeederLoad {
  const loadW = baseLoadAt(spec, at) + devicesW
  return { loadW, firmLimitW: spec.firmLimitW, excessW: Math.max(0, loadW - spec.firmLimitW) }
}

function baseLoadAt(spec: FeederSpec, at: number): number {
  let powerW = spec.baseLoad[0]?.powerW ?? 0
  for (const step of spec.baseLoad) {
    if (step.at > at) break
    powerW = step.powerW
  }
  return powerW
}
