import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/**
 * Failed attempts per address and per identity. Only failures draw on the buckets and only failures
 * are turned away by them: whoever floods an identity, even from the station's own address, can
 * neither cut the real station off nor keep it from coming back. (Guessing is hopeless against 160
 * random bits; the buckets protect processor and log.)
 */
export type Admission = {
  /** Books one failure; seconds to wait if there have been too many, else null. */
  failed(address: string, identity: string): Promise<number | null>
  /** Once a minute for each key: nobody fills a log by knocking. */
  isWorthTelling(key: string): Promise<boolean>
}

export function createAdmission(options: { readonly failuresPerMinute: number }): Admission {
  const limits = { points: options.failuresPerMinute, duration: 60 }
  const perAddress = new RateLimiterMemory({ ...limits, keyPrefix: 'address' })
  const perIdentity = new RateLimiterMemory({ ...limits, keyPrefix: 'identity' })
  const told = new RateLimiterMemory({ points: 1, duration: 60, keyPrefix: 'told' })
  return {
    async failed(address, identity) {
      // The address first: one address cannot fill the memory with made-up identities.
      return (await consume(perAddress, address)) ?? (await consume(perIdentity, identity))
    },
    isWorthTelling: async (key) => (await consume(told, key)) === null,
  }
}

async function consume(limiter: RateLimiterMemory, key: string): Promise<number | null> {
  try {
    await limiter.consume(key)
    return null
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.ceil(refusal.msBeforeNext / 1000)
    throw refusal
  }
}
