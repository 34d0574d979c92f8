const SOON_MS = 100
const COALESCE_MS = 400

type Options = {
  readonly refresh: () => Promise<void>
  readonly lookAgainMs: () => number
  readonly fail: (error: unknown) => void
  readonly succeed: () => void
}

/**
 * Reads a page's data when that is wished, and by itself now and then; never twice at once. What is
 * wished while it reads is one more reading afterwards. A page that nobody sees is not read.
 */
export function createReader({ refresh, lookAgainMs, fail, succeed }: Options) {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isReading = false
  let isWished = false
  let isStopped = true

  async function read(): Promise<void> {
    isReading = true
    isWished = false
    try {
      if (!document.hidden) {
        await refresh()
        succeed()
      }
    } catch (error) {
      fail(error)
    }
    isReading = false
    if (!isStopped) schedule(isWished ? COALESCE_MS : Math.max(COALESCE_MS, lookAgainMs()))
  }

  function schedule(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(() => void read(), ms) // read() tells of its failures by itself
  }

  function soon(): void {
    if (isStopped) return
    if (!isReading && !isWished) schedule(SOON_MS)
    isWished = true
  }

  function seen(): void {
    if (!document.hidden) soon()
  }

  return {
    soon,
    start() {
      isStopped = false
      isWished = false
      document.addEventListener('visibilitychange', seen)
      soon()
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    },
  }
}
