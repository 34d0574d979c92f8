/** The load: 1.6 charge points made of frames, many in one process, as cheap as they can be. */
import { type FrameSocket, maskedText, openFrameSocket, putDigits } from './frame-socket.ts'
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

type LoadStation = {
  readonly socket: FrameSocket
  transactionId: number
  /** Hears of each answer to what it has asked. */
  answered: () => void
}

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
  const socket = await openFrameSocket({
    url: new URL(`${url}${identity}`),
    protocol: 'ocpp1.6',
    authorization: `Basic ${Buffer.from(`${identity}:${PASSWORD}`).toString('base64')}`,
    localAddress: ADDRESSES > 1 ? `127.0.0.${1 + (index % ADDRESSES)}` : undefined,
  })
  const station: LoadStation = { socket, transactionId: 0, answered: () => undefined }
  stations.push(station)
  socket.onText = (bytes, from, to) => receive(station, bytes, from, to)
  if (!boots) return
  await call(station, 'BootNotification', '{"chargePointVendor":"Bench","chargePointModel":"One"}')
  const at = new Date(Date.now() - 60_000).toISOString()
  const start = `{"connectorId":1,"idTag":"BENCH","meterStart":0,"timestamp":"${at}"}`
  await call(station, 'StartTransaction', start)
}

/** `[2,"ID","ACTION",…` is answered; of an answer nothing is read but which transaction began. */
function receive(station: LoadStation, bytes: Buffer, from: number, to: number): void {
  if (bytes[from + 1] === CALL) {
    const head = bytes.toString('latin1', from + 4, Math.min(to, from + 4 + HEAD_CHARACTERS))
    const idEnd = head.indexOf('"')
    const action = head.slice(idEnd + 3, head.indexOf('"', idEnd + 3))
    const answer = ANSWERS[action] ?? '{"status":"Accepted"}'
    station.socket.write(maskedText(`[3,"${head.slice(0, idEnd)}",${answer}]`))
    return
  }
  if (station.transactionId === 0) {
    const [, transaction] = TRANSACTION.exec(bytes.toString('latin1', from, to)) ?? []
    if (transaction !== undefined) station.transactionId = Number(transaction)
  }
  station.answered()
}

const CALL = '2'.charCodeAt(0)
/** An id and the name of an action stand within so many. */
const HEAD_CHARACTERS = 100
const TRANSACTION = /"transactionId":(\d+)/

/** All ids have as many digits: the next one is written over the one before. */
const FIRST_CALL = 1_000_000_000
let calls = FIRST_CALL

async function call(station: LoadStation, action: string, payload: string): Promise<void> {
  const answered = new Promise<void>((resolve) => (station.answered = resolve))
  calls += 1
  station.socket.write(maskedText(`[2,"${calls}","${action}",${payload}]`))
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
      let registerWh = FIRST_REGISTER_WH + 1_000 * index + seed
      const text = meterValues(station.transactionId, at, registerWh)
      const frame = maskedText(text)
      const registerAt = text.indexOf(String(registerWh))
      return new Promise<void>((resolve) => {
        const next = () => {
          if (performance.now() >= end) return resolve()
          calls += 1
          registerWh += 1
          putDigits(frame, CALL_ID_AT, 10, calls)
          putDigits(frame, registerAt, 9, registerWh)
          station.socket.write(frame)
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

const CALL_ID_AT = '[2,"'.length
/** As many digits as long as a bench runs. */
const FIRST_REGISTER_WH = 100_000_000

/** Five values, as a three-phase charge point sends them. */
function meterValues(transactionId: number, at: string, registerWh: number): string {
  const value = (measurand: string, text: string, unit: string) =>
    `{"value":"${text}","context":"Sample.Clock","measurand":"${measurand}","unit":"${unit}"}`
  return (
    `[2,"${FIRST_CALL}","MeterValues",` +
    `{"connectorId":1,"transactionId":${transactionId},"meterValue":[{"timestamp":"${at}",` +
    `"sampledValue":[${value('Power.Active.Import', '7360', 'W')},` +
    `${value('Energy.Active.Import.Register', String(registerWh), 'Wh')},` +
    `${value('Current.Offered', '16.0', 'A')},` +
    `${value('Voltage', '230.4', 'V')},${value('SoC', '55', 'Percent')}]}]}]`
  )
}
