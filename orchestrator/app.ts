import { isReboundOpen, TERMINAL } from '#domain/flexibility-call.ts'
import { type Gateway, runGateway } from '#gateway/run-gateway.ts'
import { advanceCall } from '#lifecycle/advance-call.ts'
import { advancePayouts } from '#lifecycle/advance-payouts.ts'
import { checkBooks } from '#lifecycle/check-books.ts'
import { settleHeld } from '#lifecycle/settle-held.ts'
import { createBooksLoop } from '#jobs/books-loop.ts'
import { createChainLoop } from '#jobs/chain-loop.ts'
import type { BullWakeUps } from '#jobs/queue.ts'
import { createReconciler } from '#jobs/reconciler.ts'
import { createWorker } from '#jobs/worker.ts'
import type { Instant } from '#domain/time.ts'
import type { DeviceDriver, Ports } from '#ports.ts'

export type WorkerSettings = {
  /** Business time between two comparisons of all books. Default one hour. */
  readonly reconcileEverySeconds?: number
}

export type App = {
  /** Holds the devices of these drivers until it is stopped. */
  startGateway(drivers: readonly DeviceDriver[], ocppUrl?: () => string | null): Promise<Gateway>
  /** Advances calls, payouts and the chain until it is stopped. */
  startWorker(wakeUps: BullWakeUps, settings?: WorkerSettings): { stop(): Promise<void> }
  /** Takes every step that is due now: calls, payouts, one round of the chain. */
  advance(): Promise<void>
}

/** The product on the ports it is handed: the same in the real, the simulated and the test world. */
export function createApp(ports: Ports): App {
  return {
    startGateway: (drivers, ocppUrl) => runGateway(ports, drivers, ocppUrl),
    startWorker(wakeUps, { reconcileEverySeconds = 3600 } = {}) {
      const parts = [
        createWorker({ ports, wakeUps, advanceCall }),
        createReconciler({ ports, advanceCall }),
        createChainLoop({ ports, advancePayouts: advanceMoney }),
        createBooksLoop({ ports, checkBooks, everySeconds: reconcileEverySeconds }),
      ]
      return {
        async stop() {
          await Promise.all(parts.map((part) => part.stop()))
        },
      }
    },
    async advance() {
      await ports.rail.advance()
      const calls = await ports.store.transaction((tx) => tx.calls.list())
      for (const call of calls) {
        if (!TERMINAL.has(call.state) || call.state === 'cancelled' || isReboundOpen(call)) {
          await advanceCall(ports, call.id)
        }
      }
      await advanceMoney(ports)
      await ports.rail.advance()
    },
  }
}

/** What is on hold, then what is to be paid: an error of the first does not keep the second. */
async function advanceMoney(ports: Ports): Promise<Instant | null> {
  const [held] = await Promise.allSettled([settleHeld(ports)])
  const paid = await advancePayouts(ports)
  if (held.status === 'rejected') throw held.reason
  if (held.value === null || paid === null) return held.value ?? paid
  return held.value < paid ? held.value : paid
}
