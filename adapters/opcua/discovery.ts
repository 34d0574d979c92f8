import type { EndpointDescription } from 'node-opcua'
import { askEndpoints, type StackContext } from './endpoint.ts'
import { Turnstile } from './turnstile.ts'

/** So many are asked for their endpoints at once: mostly waiting, for the dead ones ten seconds. */
const askedAtOnce = 128
/** An answer is good for all who come in the next seconds: a server's batteries come together. */
const keptMs = 10_000

type Asked = { readonly answer: Promise<readonly EndpointDescription[]>; until: number }

/**
 * What servers offer, asked once for all batteries of one server that connect at about the same
 * time. An answer is only where to knock: each battery chooses from it, compares the certificate
 * with the one that it trusts itself, and has the server prove that it holds the key.
 */
export class Discovery {
  readonly #context: StackContext
  readonly #asking = new Turnstile(askedAtOnce)
  readonly #asked = new Map<string, Asked>()

  constructor(context: StackContext) {
    this.#context = context
  }

  /** What a server offers. @throws whatever asking it ended with, for all who waited */
  async offered(url: string): Promise<readonly EndpointDescription[]> {
    const { timer } = this.#context
    const known = this.#asked.get(url)
    if (known !== undefined && timer.monotonicMs() < known.until) return await known.answer
    const answer = this.#asking.through(() => askEndpoints(this.#context, url))
    const mine: Asked = { answer, until: Number.POSITIVE_INFINITY }
    this.#asked.set(url, mine)
    try {
      const offered = await answer
      mine.until = timer.monotonicMs() + keptMs
      return offered
    } catch (error) {
      this.#drop(url, mine)
      throw error
    }
  }

  /** A connection to it failed or ended: it may come back as another one, so it is asked again. */
  forget(url: string): void {
    const known = this.#asked.get(url)
    if (known !== undefined && Number.isFinite(known.until)) this.#drop(url, known)
  }

  #drop(url: string, one: Asked): void {
    if (this.#asked.get(url) === one) this.#asked.delete(url)
  }
}
