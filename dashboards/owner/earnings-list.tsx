import type { Earnings, EarningsLine, Resource } from '../api.ts'
import { formatCents, formatEuros, formatWindow, inLocalTime } from '../format.ts'
import { Amount } from '../shared/amount.tsx'
import { zone } from '../shared/business-time.ts'
import { PAID } from '../shared/words.ts'
import { deviceName } from './device-name.ts'

type Props = { readonly earnings: Earnings; readonly resources: readonly Resource[] }

/** Each device and call: how much, and the sentence why. */
export function EarningsList({ earnings, resources }: Props) {
  if (earnings.lines.length === 0) {
    return <p class="quiet">Once your devices have helped, it is told here what came of it.</p>
  }
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
              <Amount minor={line.minor} /> <span class="tag">{PAID[line.status]}</span>
            </span>
          </p>
          <p>{inLocalTime(line.sentence, zone.value)}</p>
          {line.receipt !== null && <Receipt receipt={line.receipt} />}
        </li>
      ))}
    </ul>
  )
}

type ReceiptOf = NonNullable<EarningsLine['receipt']>

function Receipt({ receipt }: { receipt: ReceiptOf }) {
  const { epoch, route, amountMinor, paidCents, carriedMinor } = receipt
  if (route === 'wallet') {
    return (
      <p class="quiet">
        Receipt of payout {epoch}: {formatEuros(amountMinor)} went to your wallet.
      </p>
    )
  }
  return (
    <p class="quiet">
      Receipt of payout {epoch}: {formatCents(paidCents)} went to your bank account, which takes
      whole cents only. {formatEuros(carriedMinor)} are kept for you and added to the next payout.
    </p>
  )
}
