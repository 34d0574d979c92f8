import { DomainError } from '#domain/errors.ts'
import { type Payload, StationError } from './frames.ts'
import type { Link } from './link.ts'
import { objects, optionalText } from './read.ts'
import { PRIORITY } from './session-rules.ts'

/**
 * Gives a station its next password over the connection that stands. Nothing of what it answers is
 * logged or passed on but a status: some echo what they were told.
 * @throws DomainError device-unreachable (it may have taken it), device-refused
 */
export async function renewCredential(
  { call, version }: Pick<Link, 'call' | 'version'>,
  identity: string,
  password: string,
  deadlineMs: number,
): Promise<void> {
  const { action, payload, statusOf } = version === 'ocpp1.6' ? in16(password) : in2x(password)
  const refused = (said: string) =>
    new DomainError('device-refused', `station ${identity}: its password stays (${said})`)
  let status: string
  try {
    status = statusOf(await call({ action, payload, priority: PRIORITY.setUp, deadlineMs }))
  } catch (error) {
    if (error instanceof StationError) throw refused(error.code.slice(0, 40))
    throw error
  }
  if (status !== 'Accepted' && status !== 'RebootRequired') throw refused(status)
}

type Question = {
  readonly action: string
  readonly payload: Payload
  readonly statusOf: (answer: Payload) => string
}

/** 1.6 security whitepaper: 40 hex digits stand for the 20 bytes of the key. */
function in16(password: string): Question {
  return {
    action: 'ChangeConfiguration',
    payload: { key: 'AuthorizationKey', value: password },
    statusOf: (answer) => optionalText(answer, 'status') ?? 'no status',
  }
}

/** 2.x A01: a text, whose digits are no bytes. */
function in2x(attributeValue: string): Question {
  const component = { name: 'SecurityCtrlr' }
  const variable = { name: 'BasicAuthPassword' }
  return {
    action: 'SetVariables',
    payload: { setVariableData: [{ attributeValue, component, variable }] },
    statusOf: (answer) => {
      const [result] = objects(answer, 'setVariableResult')
      return optionalText(result ?? {}, 'attributeStatus') ?? 'no status'
    },
  }
}
