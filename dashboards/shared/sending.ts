import { useState } from 'preact/hooks'
import { Refused } from '../api.ts'

/** One request at a time that a person has asked for, and the refusal it met. */
export function useSending() {
  const [isSending, setIsSending] = useState(false)
  const [refused, setRefused] = useState<Refused | null>(null)

  /** Whether it was done; what refused it is told by `refused`. */
  async function send(work: () => Promise<unknown>): Promise<Refused | null> {
    setIsSending(true)
    setRefused(null)
    try {
      await work()
      return null
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setRefused(error)
      return error
    } finally {
      setIsSending(false)
    }
  }
  return { isSending, refused, send }
}
