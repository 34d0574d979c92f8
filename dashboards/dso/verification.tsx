import { useState } from 'preact/hooks'
import { type Client, Refused, type WholeCall } from '../api.ts'
import { CommandLine } from '../shared/command-line.tsx'
import { Hex } from '../shared/hex.tsx'
import { keepFile } from '../shared/keep-file.ts'
import { TRANSACTION } from '../shared/words.ts'

/** Who recomputed the result, and the evidence with which anybody can. */
export function Verification({ client, call }: { client: Client; call: WholeCall }) {
  const { attestations, evidence } = call
  if (evidence === null) return <p class="quiet">There is no evidence before the window ends.</p>
  const { signed, required, signers, refusals } = attestations
  return (
    <>
      <p>
        {signed} signed, {required} needed
        {signed >= required && ': enough'}.
      </p>
      {signers.length > 0 && (
        <ul class="inline">
          {signers.map((signer) => (
            <li key={signer}>
              <Hex hex={signer} />
            </li>
          ))}
        </ul>
      )}
      {refusals.map(({ verifier, line, expected, got }) => (
        <p key={verifier} class="warning">
          <span aria-hidden="true">▲ </span>
          <Hex hex={verifier} /> refused: {line}, expected {expected}, got {got}.
        </p>
      ))}
      <dl class="rows">
        <div>
          <dt>Evidence</dt>
          <dd>version {evidence.version}</dd>
        </div>
        <div>
          <dt>Root</dt>
          <dd>
            <Hex hex={evidence.root} />
          </dd>
        </div>
      </dl>
      <Download client={client} id={call.id} name={fileName(call.id, evidence.version)} />
      <p class="quiet note">Recompute every cent of it, with no service and no database:</p>
      <CommandLine text={`npm run -s gridcall -- verify ${fileName(call.id, evidence.version)}`} />
    </>
  )
}

function fileName(callId: string, version: number): string {
  return `evidence-${callId}-v${version}.json`
}

function Download({ client, id, name }: { client: Client; id: string; name: string }) {
  const [problem, setProblem] = useState<string | null>(null)
  const download = async () => {
    setProblem(null)
    try {
      const answer = await client.v1['flexibility-calls'][':id'].evidence.$get({ param: { id } })
      keepFile(await answer.blob(), name) // its hash is what was signed
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setProblem(error.message)
    }
  }
  return (
    <p>
      <button type="button" onClick={() => void download()}>
        Download evidence
      </button>
      {problem !== null && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </p>
  )
}

/** One payment to several payees is told once. */
function once(transactions: WholeCall['transactions']): WholeCall['transactions'] {
  const known = new Map(transactions.map((one) => [`${one.hash} ${one.kind}`, one]))
  return [...known.values()]
}

export function Transactions({ transactions }: { transactions: WholeCall['transactions'] }) {
  if (transactions.length === 0) return <p class="quiet">Nothing is on the chain yet.</p>
  return (
    <div class="scroll" role="region" aria-label="Transactions on the chain" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Transaction and block</th>
          </tr>
        </thead>
        <tbody>
          {once(transactions).map(({ kind, hash, block, epoch }) => (
            <tr key={`${hash} ${kind}`}>
              <th scope="row">
                {TRANSACTION[kind] ?? kind}
                {epoch !== null && <span class="quiet"> (epoch {epoch})</span>}
              </th>
              <td>
                <Hex hex={hash} /> <span class="quiet">{block}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
