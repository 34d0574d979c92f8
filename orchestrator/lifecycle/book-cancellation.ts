import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'

/** The pool gave a cancelled call's escrow back: hands it out, books both ways. Safe to run twice. */
export async function bookCancellation(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'cancelled' || !call.escrow?.cancellation) return
    const { requestId, terms } = call.escrow
    const [back] = await tx.chain.events({ kind: 'RequestCancelled', requestId })
    if (back?.kind !== 'RequestCancelled') return
    const at = call.cancelledAt ?? ports.clock.now()
    const { amount } = back
    await tx.chain.intend(`withdraw:${callId}`, { kind: 'withdrawCredit', account: terms.payer })
    const dso = `dso:${call.dsoId}`
    const escrow = `escrow:${callId}`
    await tx.ledger.post(`open:${callId}`, [
      { account: dso, amount: -amount, at },
      { account: escrow, amount, at },
    ])
    await tx.ledger.post(`cancel:${callId}`, [
      { account: escrow, amount: -amount, at },
      { account: dso, amount, at },
    ])
  })
}
