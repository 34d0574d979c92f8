import type {
  ClientSession,
  ClientSessionPublishService,
  ClientSubscription,
  NotificationMessage,
} from 'node-opcua'
import { assert } from '#domain/errors.ts'
import type { Opcua } from './library.ts'

/** Values of one monitored item that got lost on the way, fetched from the server's own queue. */
export type MissedNotifications = {
  /** Asks for every message that is missing; answers how many the server no longer had. */
  fetch(): Promise<number>
}

/** Further back no server is asked: it would not have kept more. */
const messagesKept = 100

/**
 * Counts the numbers of a subscription's messages. The library's recovery is not complete: where a
 * new message overtakes its Republish loop, or after a keep-alive, it goes on behind the gap
 * (Part 4, 5.13.6 and 6.7). The server keeps what was not acknowledged, so it can still be asked.
 */
export function followMessages(
  opcua: Opcua,
  session: ClientSession,
  subscription: ClientSubscription,
  received: (clientHandle: number, value: unknown) => void,
): MissedNotifications {
  const missing = new Set<number>()
  let id = subscription.subscriptionId
  let next: number | null = null
  subscription.on(
    'raw_notification',
    ({ sequenceNumber, notificationData }: NotificationMessage) => {
      if (id !== subscription.subscriptionId) {
        id = subscription.subscriptionId // made anew by the library: numbers start again
        next = null
        missing.clear()
      }
      const isKeepAlive = !notificationData?.length // then the number is that of the next message
      if (next !== null) {
        const from = Math.max(next, sequenceNumber - messagesKept)
        for (let number = from; number < sequenceNumber; number++) missing.add(number)
      }
      missing.delete(sequenceNumber)
      next = Math.max(next ?? 0, isKeepAlive ? sequenceNumber : sequenceNumber + 1)
    },
  )
  const deliver = (message: NotificationMessage) => {
    for (const data of message.notificationData ?? []) {
      if (!(data instanceof opcua.DataChangeNotification)) continue
      for (const { clientHandle, value } of data.monitoredItems ?? []) {
        if (value.statusCode.isGood()) received(clientHandle, value.value.value)
      }
    }
  }
  return {
    async fetch() {
      let gone = 0
      for (const number of [...missing].toSorted((a, b) => a - b)) {
        const message = await republish(opcua, session, id, number)
        if (!missing.delete(number)) continue // the library brought it meanwhile
        if (message) deliver(message)
        else gone += 1
      }
      return gone
    },
  }
}

/** Sessions have it, their type does not say so. */
type Republishing = ClientSession & Partial<ClientSessionPublishService>

/** null: the server does not have it any more. */
function republish(
  opcua: Opcua,
  session: Republishing,
  subscriptionId: number,
  retransmitSequenceNumber: number,
): Promise<NotificationMessage | null> {
  const request = new opcua.RepublishRequest({ subscriptionId, retransmitSequenceNumber })
  return new Promise((resolve, reject) => {
    assert(session.republish !== undefined, 'an OPC UA session can ask for a message again')
    session.republish(request, (error, response) => {
      const status = response?.responseHeader.serviceResult
      const reason = error?.message ?? status?.name ?? 'no answer'
      if (!error && response && status?.isGood()) resolve(response.notificationMessage)
      else if (reason.includes('BadMessageNotAvailable')) resolve(null)
      else reject(new Error(`a message again: ${reason}`))
    })
  })
}
