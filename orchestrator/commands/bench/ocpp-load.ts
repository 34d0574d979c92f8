/** The load: 1.6 charge points made of frames, many in one process, as cheap as they can be. */
import { WebSocket } from 'ws'
import { serve } from './child.ts'
import { identityOf, PASSWORD } from './ocpp-stations.ts'

export type Dial = {
  /** The identity is appended. */
  readonly url: string
  readonly first: number
  readonly count: number
  /** Boots and begins a transaction; otherwise it only answers what it is asked. */
  readonly boots: boolean
}

type LoadStation = { readonly socket: WebSocket; transactionId: number; answered: () => void }

/** So many handshakes are open at a time: a storm is another measure. */
const DIALLED_AT_ONCE = 100
/** One address has some 28,000 ports to dial from; every 127.x.y.z is the loopback, on Linux. */
const ADDRESSES = process.platform === 'linux' ? 8 : 1

const stations: LoadStation[] = []

const ANSWERS: Readonly<Record<string, string>> = {
  GetConfiguration:
    '{"configurationKey":[' +
    '{"key":"ChargingScheduleAllowedChargingRateUnit","readonly":true,"value":"Current"},' +
    '{"key":"ChargeProfileMaxStackLevel","readonly":true,"value":"1"},' +
    '{"key":"NumberOfConnectors","readonly":true,"value":"1"}]}',
  TriggerMessage: '{"status":"NotImplemented"}',
  GetCompositeSchedule: '{"status":"Rejected"}',
}

async function dial({ url, boots }: Dial, index: number): Promise<void> {
  const identity = identityOf(index)
  const credential = Buffer.from(`${identity}:${PASSWORD}`).toString('base64')
  const socket = new WebSocket(`${url}${identity}`, 'ocpp1.6', {
    headers: { Authorization: `Basic ${credential}` },
    perMessageDeflate: false,
    ...(ADDRESSES > 1 ? { localAddress: `127.0.0.${1 + (index % ADDRESSES)}` } : {}),
  })
  const station: LoadStation = { socket, transactionId: 0, answered: () => undefined }
  stations.push(station)
  socket.on('message', (data: Buffer) => receive(station, data.toString('latin1')))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
  })
  if (!boots) return
  await call(station, 'BootNotification', '{"chargePointVendor":"Bench","chargePointModel":"One"}')
  const at = new Date(Date.now() - 60_000).toISOString()
  const start = `{"connectorId":1,"idTag":"BENCH","meterStart":0,"timestamp":"${at}"}`
  await call(station, 'StartTransaction', start)
}

function receive(station: LoadStation, text: string): void {
  if (text.startsWith('[2,')) {
    const [, id, action] = JSON.parse(text) as [number, string, string]
    station.socket.send(`[3,"${id}",${ANSWERS[action] ?? '{"status":"Accepted"}'}]`)
    return
  }
  const [, transaction] = /"transactionId":(\d+)/.exec(text) ?? []
  if (transaction !== undefined) station.transactionId = Number(transaction)
  station.answered()
}

let calls = 0

function send(station: LoadStation, action: string, payload: string): void {
  calls += 1
  station.socket.send(`[2,"${calls}","${action}",${payload}]`)
}

async function call(station: LoadStation, action: string, payload: string): Promise<void> {
  const answered = new Promise<void>((resolve) => (station.answered = resolve))
  send(station, action, payload)
  await answered
}

serve({
  /** Connects them all. @throws Error of the first that fails */
  async connect(wanted: Dial): Promise<void> {
    let next = wanted.first
    const end = wanted.first + wanted.count
    const dialler = async () => {
      while (next < end) {
        next += 1
        await dial(wanted, next - 1)
      }
    }
    await Promise.all(Array.from({ length: DIALLED_AT_ONCE }, dialler))
  },

  /**
   * Each sends its next MeterValues as soon as the one before was answered, for so long; answers
   * how many were answered. One a station at a time, as the standard has it.
   */
  async meter({ stations: count, ms, seed }: { stations: number; ms: number; seed: number }) {
    const at = new Date(Math.floor(Date.now() / 30_000) * 30_000).toISOString()
    let answered = 0
    const end = performance.now() + ms
    const loop = (station: LoadStation, index: number) => {
      let registerWh = 1_000 * index + seed
      return new Promise<void>((resolve) => {
        const next = () => {
          if (performance.now() >= end) return resolve()
          registerWh += 1
          send(station, 'MeterValues', meterValues(station.transactionId, at, registerWh))
        }
        station.answered = () => {
          answered += 1
          next()
        }
        next()
      })
    }
    await Promise.all(stations.slice(0, count).map(loop))
    return answered
  },
})

/** Five values, as a three-phase charge point sends them. */
function meterValues(transactionId: number, at: string, registerWh: number): string {
  const value = (measurand: string, text: string, unit: string) =>
    `{"value":"${text}","context":"Sample.Clock","measurand":"${measurand}","unit":"${unit}"}`
  return (
    `{"connectorId":1,"transactionId":${transactionId},"meterValue":[{"timestamp":"${at}",` +
    `"sampledValue":[${value('Power.Active.Import', '7360', 'W')},` +
    `${value('Energy.Active.Import.Register', String(registerWh), 'Wh')},` +
    `${value('Current.Offered', '16.0', 'A')},` +
    `${value('Voltage', '230.4', 'V')},${value('SoC', '55', 'Percent')}]}]}`
  )
}
