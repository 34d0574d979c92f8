import { useRef } from 'preact/hooks'
import type { Session } from './session.ts'

/** Asks for the bearer key once. */
export function KeyBox({ session, title }: { session: Session; title: string }) {
  const input = useRef<HTMLInputElement>(null)
  const { message, isChecking } = session
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const key = input.current?.value.trim() ?? ''
    if (key !== '') void session.enter(key) // tells by itself what went wrong
  }
  return (
    <main class="key-box card">
      <h1>Gridcall</h1>
      <p class="lead">{title}</p>
      <form onSubmit={submit}>
        <label for="key">Your key</label>
        <input
          id="key"
          ref={input}
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          aria-describedby="key-help key-problem"
          aria-invalid={message.value !== null}
        />
        <p id="key-help" class="quiet">
          Kept in this browser tab until you close it or forget it.
        </p>
        <p id="key-problem" class="problem" role="alert">
          {message.value}
        </p>
        <button type="submit" class="primary" disabled={isChecking.value}>
          {isChecking.value ? 'Checking …' : 'Open'}
        </button>
      </form>
    </main>
  )
}
