import type { Money } from '../api.ts'
import { formatDuration } from '../format.ts'
import { Hex } from '../shared/hex.tsx'

const ASKED: Readonly<Record<string, string>> = {
  openRequest: 'Lock an escrow',
  cancel: 'Cancel a request',
  proposeSettlement: 'Propose a settlement',
  finalize: 'Make a settlement final',
  refundExpired: 'Refund what expired',
  postEpoch: 'Post a payout',
  activateEpoch: 'Activate a payout',
  payChunk: 'Pay a part of a payout',
  withdrawCredit: 'Withdraw a credit',
}

/** What the pool was asked to do and has not done yet. */
export function Backlog({ backlog, sender }: Pick<Money, 'backlog' | 'sender'>) {
  if (backlog.length === 0) return <p>✓ Nothing waits: all that was asked of the pool is done.</p>
  return (
    <>
      <p>
        <span class="figure">{backlog.length}</span>{' '}
        <span class="quiet">asked of the pool and not done yet, oldest first</span>
      </p>
      {sender.stuck && (
        <p class="problem">
          ▲ The oldest was sent {formatDuration(sender.oldestSeconds * 1000)} ago and is not in a
          block: look at the fees, the relayer’s key and the node.
        </p>
      )}
      <ul class="plain">
        {backlog.slice(0, SHOWN).map(({ key, kind, state, hash }) => (
          <li key={key}>
            <p class="line">
              <strong>{ASKED[kind] ?? kind}</strong>
              <span class="tag">
                {state === 'sent' ? 'Sent, not seen yet' : 'Waits to be sent'}
              </span>
            </p>
            <p class="quiet id">{key}</p>
            {hash !== null && <Hex hex={hash} />}
          </li>
        ))}
      </ul>
      {backlog.length > SHOWN && <p class="quiet">and {backlog.length - SHOWN} more</p>}
    </>
  )
}
const SHOWN = 20
