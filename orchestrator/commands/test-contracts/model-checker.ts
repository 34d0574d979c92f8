/**
 * A process of its own, because nothing else can stop the solver: takes the compiler's input from
 * stdin and prints the errors and messages of its output as JSON.
 */
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'

const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string }
const { errors = [] } = JSON.parse(solc.compile(await text(process.stdin))) as {
  errors?: { severity: string; message: string; formattedMessage: string }[]
}
console.log(
  JSON.stringify(
    errors.map(({ severity, message, formattedMessage }) => ({
      severity,
      message,
      formattedMessage,
    })),
  ),
)
