import { CallList } from '../shared/call-list.tsx'
import { EarningsShare } from './earnings-share.tsx'
import type { AggregatorModel } from './model.ts'
import { OwnPart } from './own-part.tsx'
import { Resources } from './resources.tsx'

export function AggregatorPage({ model }: { model: AggregatorModel }) {
  const resources = model.resources.value
  const call = model.call.value
  const earnings = model.earnings.value
  return (
    <div class="split">
      <nav class="side" aria-label="Calls">
        <h2>Calls</h2>
        {resources === null ? (
          <p class="quiet">Reading …</p>
        ) : (
          <CallList
            calls={model.calls.value}
            selectedId={call?.id ?? null}
            placeName={model.placeName}
          />
        )}
      </nav>
      <main id="main" tabIndex={-1}>
        <h1>Your portfolio</h1>
        {resources !== null && (
          <Resources
            model={model}
            resources={resources}
            open={model.open.value}
            placeName={model.placeName}
          />
        )}
        {call !== null && <OwnPart model={model} call={call} />}
        {earnings !== null && <EarningsShare earnings={earnings} />}
      </main>
    </div>
  )
}
