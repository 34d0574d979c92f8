import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context, MiddlewareHandler } from 'hono'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Role } from '#domain/api-key.ts'
import { assert, DomainError } from '#domain/errors.ts'
import type { OwnerId } from '#domain/ids.ts'
import { authenticate } from '#lifecycle/authenticate.ts'
import type { ApiKey, Ports } from '#ports.ts'
import { notFound } from './problem.ts'

export type ApiEnv = { Variables: { key: ApiKey } }

/** Failures of one address within a minute, before it is told to wait. */
const FAILURES_PER_MINUTE = 20

/**
 * Lets in who brings a valid key. Failures are counted per address; a valid key is never locked
 * out by them, so nobody can shut out a neighbour behind the same address.
 */
export function requireKey(ports: Ports): MiddlewareHandler<ApiEnv> {
  const failures = new RateLimiterMemory({ points: FAILURES_PER_MINUTE, duration: 60 })
  return async (c, next) => {
    const bearer = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1]
    const key = bearer === undefined ? null : await authenticate(ports, bearer)
    if (key === null) {
      await countFailure(c, failures)
      throw new DomainError('unauthenticated', 'Send "Authorization: Bearer <key>" with your key.')
    }
    c.set('key', key)
    return next()
  }
}

async function countFailure(c: Context, failures: RateLimiterMemory): Promise<void> {
  try {
    await failures.consume(addressOf(c))
  } catch (reason) {
    if (!(reason instanceof RateLimiterRes)) throw reason
    const seconds = Math.max(1, Math.ceil(reason.msBeforeNext / 1000))
    c.header('retry-after', String(seconds))
    throw new DomainError('too-many-requests', `Too many failures; wait ${seconds} s.`)
  }
}

function addressOf(c: Context): string {
  // Without a socket (a request made inside the process) everybody is one address.
  return c.env?.incoming === undefined ? 'inside' : (getConnInfo(c).remote.address ?? 'unknown')
}

/** For these roles only; to all others the route does not exist. Also written into the document. */
export function forRoles<const R extends readonly Role[]>(
  ...roles: R
): {
  middleware: MiddlewareHandler<ApiEnv>
  security: { bearer: string[] }[]
  'x-roles': R
} {
  return {
    middleware: async (c, next) => {
      if (!roles.includes(c.get('key').role)) throw notFound()
      return next()
    },
    security: [{ bearer: [] }],
    'x-roles': roles,
  }
}

/** The owner that an owner's key belongs to. */
export function ownerOf(key: ApiKey): OwnerId {
  assert(key.ownerId !== null, `an ${key.role}'s key without an owner`)
  return key.ownerId
}
