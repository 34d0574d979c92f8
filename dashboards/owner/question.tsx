import type { ComponentChildren, RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** A button that asks before anything is done; the focus comes back to it. */
export function useQuestion() {
  const [isAsking, setIsAsking] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const close = () => {
    setIsAsking(false)
    opener.current?.focus()
  }
  return { isAsking, opener, open: () => setIsAsking(true), close }
}

type OpenerProps = {
  readonly text: string
  readonly isAsking: boolean
  readonly opener: RefObject<HTMLButtonElement | null>
  readonly onClick: () => void
}

export function Opener({ text, isAsking, opener, onClick }: OpenerProps) {
  return (
    <button type="button" ref={opener} aria-expanded={isAsking} onClick={onClick}>
      {text} …
    </button>
  )
}

type Props = {
  readonly label: string
  /** The harmless answer, where the focus stands first. */
  readonly no: string
  readonly close: () => void
  readonly yes: string
  readonly isSending: boolean
  readonly send: () => void
  readonly children: ComponentChildren
}

export function Question({ label, no, close, yes, isSending, send, children }: Props) {
  const keep = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => keep.current?.focus(), [])
  return (
    <section class="card ask" aria-label={label}>
      {children}
      <p class="buttons">
        <button type="button" ref={keep} onClick={close}>
          {no}
        </button>
        <button type="button" class="danger" disabled={isSending} onClick={send}>
          {isSending ? 'Sending …' : yes}
        </button>
      </p>
    </section>
  )
}
