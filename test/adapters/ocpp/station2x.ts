/** A 2.x charging station for the tests with a device model of its own, and a car. */
import { formatInstant, instant } from '#domain/time.ts'
import { ANSWERS_201, connectStation, type WireStation } from './wire-station.ts'
import { PASSWORD, START, until, type World } from './world.ts'

type Payload = Record<string, unknown>

/** 'Component.Name[instance]' or 'Component.Name' -> value; all others are unknown. */
export type DeviceModel = Readonly<Record<string, string>>

/** Connected, booted, set up. */
export async function join2x(
  world: World,
  version: 'ocpp2.0.1' | 'ocpp2.1',
  model: DeviceModel = {},
  answers: object = {},
): Promise<WireStation> {
  const station = await connectStation(world.driver.url('CP-1'), {
    protocols: [version],
    password: PASSWORD,
    answers: {
      ...ANSWERS_201,
      GetVariables: (payload: Payload) => ({
        getVariableResult: (payload['getVariableData'] as Payload[]).map((one) => tell(model, one)),
      }),
      UpdateDynamicSchedule: { status: 'Accepted' },
      ...answers,
    },
  })
  const before = world.heard.connected.length
  const chargingStation = { vendorName: 'Wire', model: 'Three', firmwareVersion: '3.1' }
  await station.call('BootNotification', { reason: 'PowerUp', chargingStation })
  await until('the set-up', () => world.heard.connected.length > before)
  return station
}

function tell(model: DeviceModel, asked: Payload): Payload {
  const { component, variable } = asked as {
    component: { name: string; evse?: { id: number } }
    variable: { name: string; instance?: string }
  }
  const instance = variable.instance === undefined ? '' : `[${variable.instance}]`
  const value = model[`${component.name}.${variable.name}${instance}`]
  const isNoEvse = component.name === 'EVSE' && component.evse?.id !== 1
  const unknown = isNoEvse ? 'UnknownComponent' : 'UnknownVariable'
  return {
    component,
    variable,
    ...(value === undefined
      ? { attributeStatus: unknown }
      : { attributeStatus: 'Accepted', attributeValue: value }),
  }
}

export async function event2x(
  station: WireStation,
  eventType: 'Started' | 'Updated' | 'Ended',
  at: number = START,
  more: Record<string, unknown> = {},
): Promise<void> {
  await station.call('TransactionEvent', {
    eventType,
    timestamp: formatInstant(instant(at)),
    triggerReason: 'Authorized',
    seqNo: 0,
    transactionInfo: { transactionId: 'tx-1' },
    evse: { id: 1, connectorId: 1 },
    ...more,
  })
}
