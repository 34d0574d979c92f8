import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Clock } from '#ports.ts'

/** A battery of a few lines that speaks the blueprint's language; + is discharge. */
export type LineDevice = {
  readonly port: number
  /** What is in force, W, + is discharge; null: its own default. */
  inForce(): number | null
  connections(): number
  hush(isOn: boolean): void
  refuse(isOn: boolean): void
  stop(): Promise<void>
}

type State = { powerW: number; until: number; newest: number }

export async function startLineDevice(clock: Clock): Promise<LineDevice> {
  const sockets = new Set<Socket>()
  const state: State = { powerW: 0, until: 0, newest: -1 }
  let isHushed = false
  let refuses = false
  let intervalMs = 900_000
  let metered = clock.now() as number
  let exportedWh = 10_000
  let importedWh = 20_000
  const inForce = () => (clock.now() < state.until ? state.powerW : null)

  function answer(words: readonly string[]): string {
    const [verb, version, power, until] = words
    if (verb === 'hello') return 'tiny'
    if (verb === 'ping') return 'ok'
    if (verb === 'interval') {
      intervalMs = Number(version) * 1000
      metered = Math.floor(clock.now() / intervalMs) * intervalMs
      return 'ok'
    }
    if (verb === 'get') return inForce() === null ? 'default' : `set ${inForce()}`
    if (verb !== 'set' && verb !== 'clear') return 'no such request'
    if (refuses) return 'no it will not'
    if (Number(version) < state.newest) return 'no a newer order came before'
    if (verb === 'set' && Number(until) <= clock.now()) return 'no the order has expired'
    state.newest = Number(version)
    state.powerW = Number(power ?? 0)
    state.until = verb === 'set' ? Number(until) : 0
    return 'ok'
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (isHushed) continue
        const [id, ...words] = line.split(' ')
        socket.write(`${id} ${answer(words)}\n`)
      }
    })
  })

  /** Each interval that has passed, told twice as some devices do, and noise after it. */
  const tick = setInterval(() => {
    while (metered + intervalMs <= clock.now()) {
      metered += intervalMs
      const powerW = metered < state.until ? state.powerW : 0
      const wh = (powerW * intervalMs) / 3_600_000
      if (wh > 0) exportedWh += wh
      else importedWh -= wh
      const line = `meter ${metered} ${powerW} ${importedWh} ${exportedWh}
`
      const noise = `meter ${metered} noise
`
      for (const socket of sockets) if (!isHushed) socket.write(line + line + noise)
    }
  }, 10)

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    inForce,
    connections: () => sockets.size,
    hush: (isOn) => void (isHushed = isOn),
    refuse: (isOn) => void (refuses = isOn),
    async stop() {
      clearInterval(tick)
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
