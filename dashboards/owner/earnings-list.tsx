import type { Earnings, EarningsLine, Resource } from '../api.ts'
import { formatCents, formatEuros, formatWindow, forReader } from '../format.ts'
import { Amount } from '../shared/amount.tsx'
import { zone } from '../shared/business-time.ts'
import { PAID } from '../shared/words.ts'
import { deviceName } from './device-name.ts'
import { DisputeLine } from './dispute-line.tsx'
import type { OwnerModel } from './model.ts'
import { ReceiptButton } from './receipt-button.tsx'

type Props = {
  readonly model: OwnerModel
  readonly earnings: Earnings
  readonly resources: readonly Resource[]
}

/** Each device and call: how much, and the sentence why. */
export function EarningsList({ model, earnings, resources }: Props) {
  if (earnings.lines.length === 0) {
    return <p class="quiet">Once your devices have helped, you read here what came of it.</p>
  }
  const nameOf = ({ resourceId, window }: EarningsLine) =>
    `${deviceName(resources, resourceId)}, ${formatWindow(window, zone.value)}`
  return (
    <ul class="plain earned">
      {earnings.lines.map((line) => (
        <li key={`${line.callId} ${line.resourceId}`}>
          <p class="line">
            <span>
              <strong>{deviceName(resources, line.resourceId)}</strong>{' '}
              <span class="quiet">{formatWindow(line.window, zone.value)}</span>
            </span>
            <span>
              <Amount minor={line.minor} /> <span class="tag">{statusOf(line)}</span>{' '}
              <ReceiptButton client={model.client} line={line} name={nameOf(line)} />
            </span>
          </p>
          <p>{forReader(line.sentence, zone.value)}</p>
          {line.afterWindow !== null && (
            <p class="quiet">{forReader(`After the window: ${line.afterWindow}`, zone.value)}</p>
          )}
          <DisputeLine model={model} line={line} />
        </li>
      ))}
    </ul>
  )
}

function statusOf({ status, receipt }: EarningsLine): string {
  return status === 'paid' && receipt !== null ? `Paid in payout ${receipt.epoch}` : PAID[status]
}

type Receipt = NonNullable<EarningsLine['receipt']>

/** What reached the owner's account or wallet, newest first. */
export function Receipts({ earnings }: { earnings: Earnings }) {
  const byEpoch = new Map<number, Receipt>()
  for (const { receipt } of earnings.lines) {
    if (receipt !== null) byEpoch.set(receipt.epoch, receipt)
  }
  const receipts = [...byEpoch.values()].sort((a, b) => b.epoch - a.epoch)
  if (receipts.length === 0) return <p class="quiet">Nothing has been paid out yet.</p>
  return (
    <ul class="plain">
      {receipts.map((receipt) => (
        <li key={receipt.epoch}>
          <p class="line">
            <strong>Payout {receipt.epoch}</strong>
            <Amount minor={receipt.amountMinor} />
          </p>
          <p>{whereItWent(receipt)}</p>
        </li>
      ))}
    </ul>
  )
}

function whereItWent({ route, amountMinor, paidCents, carriedMinor }: Receipt): string {
  if (route === 'wallet') return `${formatEuros(amountMinor)} went to your wallet.`
  if (paidCents === '0') {
    return `${formatEuros(carriedMinor)} is kept for you and goes with a later payout.`
  }
  const paid = `${formatCents(paidCents)} went to your bank account`
  if (carriedMinor === '0') return `${paid}.`
  return (
    `${paid}, which takes whole cents only; ` +
    `${formatEuros(carriedMinor)} is kept for you and goes with the next payout.`
  )
}
