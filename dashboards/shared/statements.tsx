import { useState } from 'preact/hooks'
import { type Client, download, Refused } from '../api.ts'
import { businessNow, zone } from './business-time.ts'
import { monthsBefore } from './months.ts'

type Props = {
  readonly client: Client
  /** What can be had of a month, and where. */
  readonly documents: readonly { readonly name: string; readonly path: string }[]
}

const MONTHS = 12

/** The documents of a month, to keep. */
export function Statements({ client, documents }: Props) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const now = businessNow.value
  const months = now === null ? [] : monthsBefore(now, zone.value, MONTHS)
  const month = chosen ?? months[0] ?? ''
  const fetchIt = async (path: string, format: string) => {
    try {
      await download(client, `${path}?month=${month}&format=${format}`)
      setProblem(null)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setProblem(error.message)
    }
  }
  return (
    <>
      <p>
        <label for="month">Month</label>{' '}
        <select id="month" value={month} onChange={(event) => setChosen(event.currentTarget.value)}>
          {months.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </p>
      <ul class="plain">
        {documents.map(({ name, path }) => (
          <li key={path} class="line">
            <span>{name}</span>
            <span class="buttons">
              {['pdf', 'csv'].map((format) => (
                <button
                  key={format}
                  type="button"
                  aria-label={`${name} as ${format.toUpperCase()}`}
                  onClick={() => void fetchIt(path, format)}
                >
                  {format.toUpperCase()}
                </button>
              ))}
            </span>
          </li>
        ))}
      </ul>
      <p class="problem" role="alert">
        {problem}
      </p>
    </>
  )
}
