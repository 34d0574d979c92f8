/** Reads a Solidity source from stdin, lets the compiler's model checker at it, prints its words. */
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'

type Solc = { compile(input: string): string }
type Output = { errors?: { severity: string; message: string; formattedMessage: string }[] }

const contract = process.argv[2] ?? ''
const solc = createRequire(import.meta.url)('solc') as Solc
const input = {
  language: 'Solidity',
  sources: { 'Core.sol': { content: await text(process.stdin) } },
  settings: {
    modelChecker: {
      engine: 'chc',
      solvers: ['z3'],
      targets: ['assert'],
      invariants: ['contract'],
      showProvedSafe: true,
      contracts: { 'Core.sol': [contract] },
    },
    outputSelection: { '*': { '*': ['abi'] } },
  },
}
const { errors = [] } = JSON.parse(solc.compile(JSON.stringify(input))) as Output
console.log(JSON.stringify(errors.map(({ formattedMessage }) => formattedMessage)))
