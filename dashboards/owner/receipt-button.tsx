import type { Client, EarningsLine } from '../api.ts'
import { keepFile } from '../shared/keep-file.ts'
import { useSending } from '../shared/sending.ts'

type Props = { readonly client: Client; readonly line: EarningsLine; readonly name: string }

/** The line's proof, to keep; where a later round corrected it, that one's too. */
export function ReceiptButton({ client, line, name }: Props) {
  const { isSending, refused, send } = useSending()
  return (
    <>
      <button
        type="button"
        class="small"
        disabled={isSending}
        aria-label={`Receipt of ${name}`}
        onClick={() => void send(() => keepReceipts(client, line.callId))}
      >
        Receipt
      </button>
      {refused !== null && (
        <span class="problem" role="alert">
          {' '}
          {refused.message}
        </span>
      )}
    </>
  )
}

async function keepReceipts(client: Client, callId: string): Promise<void> {
  const { receipts } = client.v1.owner
  let query: { version?: string } = {}
  for (;;) {
    const file = await (await receipts[':callId'].$get({ param: { callId }, query })).blob()
    const receipt = JSON.parse(await file.text()) as { version: number; supersededBy?: number }
    keepFile(file, `receipt-${callId}-v${receipt.version}.json`)
    if (receipt.supersededBy === undefined) return
    query = { version: String(receipt.supersededBy) }
  }
}
