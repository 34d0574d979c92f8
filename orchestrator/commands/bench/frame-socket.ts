/**
 * The cheapest client of a WebSocket that is still one: whole masked frames in, the bytes of each
 * text message out, nothing copied and nothing parsed. A load that costs as much as what it
 * measures measures itself.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type FrameSocket = {
  /** One whole frame, as `maskedText` makes them. */
  write(frame: Uint8Array): void
  /** Hears where a text message stands in `bytes`, which are overwritten afterwards. */
  onText: (bytes: Buffer, from: number, to: number) => void
}

export type FrameSocketOptions = {
  readonly url: URL
  readonly protocol: string
  readonly authorization: string
  readonly localAddress: string | undefined
}

/** Of every frame. Not all zero: the other end shall have the work of taking it off. */
const MASK: readonly number[] = [0x5a, 0x3c, 0x69, 0x0f]

const TEXT = 0x81
const CLOSE = 0x88
const PING = 0x89
const PONG = 0x8a
/** All sockets read into the same bytes: each has handled its own before the next one reads. */
const READ = Buffer.allocUnsafe(64 * 1024)
const KEY = randomBytes(16).toString('base64')

/** Connects and upgrades. @throws Error if the other end does not agree, or closes */
export async function openFrameSocket(options: FrameSocketOptions): Promise<FrameSocket> {
  const { url, protocol, authorization, localAddress } = options
  const upgraded = Promise.withResolvers<void>()
  let handshake = ''
  let isOpen = false
  let rest = Buffer.alloc(0)
  const frames: FrameSocket = {
    write: (frame) => void socket.write(frame),
    onText: () => undefined,
  }

  function receive(length: number): boolean {
    const news = READ.subarray(0, length)
    if (!isOpen) return shake(news.toString('latin1'))
    const bytes = rest.length === 0 ? news : Buffer.concat([rest, news])
    const left = take(bytes, socket, frames)
    // Copied: it stands in what the next socket reads into.
    rest = left === bytes.length ? NOTHING : Buffer.from(bytes.subarray(left))
    return true
  }

  function shake(text: string): boolean {
    handshake += text
    const end = handshake.indexOf('\r\n\r\n')
    if (end < 0) return true
    if (handshake.startsWith('HTTP/1.1 101 ') && handshake.length === end + 4) {
      isOpen = true
      upgraded.resolve()
    } else {
      upgraded.reject(new Error(`no upgrade: ${handshake.slice(0, 200)}`))
    }
    handshake = ''
    return true
  }

  const socket = connect({
    host: url.hostname,
    port: Number(url.port),
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
    onread: { buffer: READ, callback: receive },
  })
  socket.once('error', (error) => upgraded.reject(error))
  socket.once('close', () => upgraded.reject(new Error('closed before it was upgraded')))
  await Promise.race([once(socket, 'connect'), upgraded.promise])
  socket.write(
    `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n` +
      `Sec-WebSocket-Protocol: ${protocol}\r\nAuthorization: ${authorization}\r\n\r\n`,
  )
  await upgraded.promise
  return frames
}

const NOTHING = Buffer.alloc(0)

/** Handles each whole frame; answers where the first incomplete one begins. */
function take(bytes: Buffer, socket: Socket, frames: FrameSocket): number {
  let at = 0
  while (bytes.length - at >= 2) {
    const told = (bytes[at + 1] ?? 0) & 0x7f
    const from = at + (told < 126 ? 2 : told === 126 ? 4 : 10)
    if (bytes.length < from) break
    const length =
      told < 126
        ? told
        : told === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2))
    const to = from + length
    if (bytes.length < to) break
    const kind = bytes[at]
    if (kind === TEXT) frames.onText(bytes, from, to)
    else if (kind === PING) socket.write(masked(PONG, bytes.toString('latin1', from, to)))
    else if (kind === CLOSE) socket.end(masked(CLOSE, bytes.toString('latin1', from, to)))
    at = to
  }
  return at
}

/** A text message as one frame. Its characters are ASCII. */
export function maskedText(text: string): Buffer {
  return masked(TEXT, text)
}

/** Where the text begins in such a frame. */
function textStart(frame: Uint8Array): number {
  return ((frame[1] ?? 0) & 0x7f) < 126 ? 6 : 8
}

/** Writes a number over as many digits of a text that stands in a frame, from `position` on. */
export function putDigits(frame: Uint8Array, position: number, digits: number, value: number) {
  const start = textStart(frame)
  let left = value
  for (let i = position + digits - 1; i >= position; i -= 1) {
    frame[start + i] = (48 + (left % 10)) ^ (MASK[i & 3] ?? 0)
    left = Math.floor(left / 10)
  }
}

function masked(kind: number, text: string): Buffer {
  const { length } = text
  if (length > 0xffff) throw new RangeError('a frame of the load has at most 65,535 characters')
  const start = length < 126 ? 6 : 8
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = kind
  frame[1] = 0x80 | (length < 126 ? length : 126)
  if (length >= 126) frame.writeUInt16BE(length, 2)
  frame.set(MASK, start - 4)
  frame.write(text, start, 'latin1')
  for (let i = 0; i < length; i += 1)
    frame[start + i] = (frame[start + i] ?? 0) ^ (MASK[i & 3] ?? 0)
  return frame
}
