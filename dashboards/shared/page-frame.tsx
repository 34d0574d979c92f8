import { type ComponentType, render } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Client } from '../api.ts'
import { formatDay, formatTime, zoneName } from '../format.ts'
import { Announcer } from './announcer.tsx'
import { businessNow, clockSpeed, zone } from './business-time.ts'
import { KeyBox } from './key-box.tsx'
import type { Live } from './live.ts'
import { createSession, type PageRole, type Session } from './session.ts'

/** A page of one role: what it knows, kept up to date, and how it shows it. */
export type Page<M extends { readonly live: Live }> = {
  readonly role: PageRole
  readonly title: string
  /** Answers only to this role's keys. */
  readonly probe: (client: Client) => Promise<unknown>
  readonly open: (client: Client, onKeyRefused: (message: string) => void) => M
  readonly View: ComponentType<{ model: M }>
}

export function mountPage<M extends { readonly live: Live }>(page: Page<M>): void {
  const place = document.getElementById('page')
  if (place === null) throw new Error('the document has no place for the page')
  const session = createSession(page.role, page.probe)
  render(<Gate page={page} session={session} />, place)
}

function Gate<M extends { readonly live: Live }>(props: { page: Page<M>; session: Session }) {
  const { page, session } = props
  const client = session.client.value
  if (client === null) return <KeyBox session={session} title={page.title} />
  return <Opened page={page} session={session} client={client} />
}

function Opened<M extends { readonly live: Live }>(props: {
  page: Page<M>
  session: Session
  client: Client
}) {
  const { page, session, client } = props
  const model = useMemo(() => page.open(client, session.forget), [page, session, client])
  useEffect(() => () => model.live.stop(), [model])
  const { View } = page
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <p class="brand">
          Gridcall <span class="quiet">{page.title}</span>
        </p>
        <Clock />
        <Connection live={model.live} />
        <button type="button" onClick={() => session.forget()}>
          Forget key
        </button>
      </header>
      <View model={model} />
      <Announcer />
    </>
  )
}

function Clock() {
  const now = businessNow.value
  if (now === null) return <p class="clock" />
  const speed = clockSpeed.value
  return (
    <p class="clock">
      <time dateTime={new Date(now).toISOString()}>{formatTime(now, zone.value)}</time>{' '}
      <span class="quiet">
        {formatDay(now, zone.value)}, {zoneName(now, zone.value)}
        {speed === 1 ? '' : `, runs ${speed}× as fast`}
      </span>
    </p>
  )
}

const STATES = {
  connecting: { sign: '○', word: 'Connecting' },
  live: { sign: '●', word: 'Live' },
  reconnecting: { sign: '▲', word: 'Reconnecting' },
  paused: { sign: '❚❚', word: 'Paused' },
} as const

function Connection({ live }: { live: Live }) {
  const state = live.state.value
  const isPaused = state === 'paused'
  const { sign, word } = STATES[state]
  return (
    <div class="connection">
      <p class={`live live-${state}`} role="status">
        <span aria-hidden="true">{sign}</span> {word}
      </p>
      <button type="button" onClick={() => (isPaused ? live.resume() : live.pause())}>
        {isPaused ? 'Resume' : 'Pause'}
      </button>
      {live.trouble.value !== null && <p class="trouble">{live.trouble.value}</p>}
    </div>
  )
}
