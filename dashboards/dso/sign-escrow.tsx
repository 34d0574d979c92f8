import type { WholeCall } from '../api.ts'
import { Amount } from '../shared/amount.tsx'
import { CommandLine } from '../shared/command-line.tsx'
import { signingCommand } from './signing-command.ts'

/** The offer waits for the DSO's own signature; the page holds no key that could give it. */
export function SignEscrow({ call }: { call: WholeCall }) {
  const { escrow } = call
  if (escrow === null) return null
  if (escrow.authorised) {
    return (
      <p class="card">
        You have signed. The order is placed once <Amount minor={escrow.amountMinor} /> are locked.
      </p>
    )
  }
  return (
    <section class="card" aria-labelledby="sign">
      <h2 id="sign">Accept the offer</h2>
      <p>
        The order needs your signature over an escrow of at most{' '}
        <Amount minor={escrow.amountMinor} />. Your payer’s key never comes near this page: sign
        where it lies, with this page’s key in <code>$KEY</code>.
      </p>
      <CommandLine text={signingCommand(call.id, 'authorisation', 'acceptance')} />
    </section>
  )
}
