import { createSoleRight } from '#db/sole-right.ts'
import { recordingLog } from './recording-log.ts'

/** A process that asks for a sole right again and again, and tells its parent each time it changes. */
const [url = '', ...names] = process.argv.slice(2)
const right = createSoleRight({ url, log: recordingLog(), names })
let before: boolean | null = null
async function look(): Promise<void> {
  const holds = await right.hold()
  if (holds !== before) process.send?.(holds)
  before = holds
}
setInterval(() => void look(), 50)
process.once('disconnect', () => process.exit())
