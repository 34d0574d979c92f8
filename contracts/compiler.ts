import { createRequire } from 'node:module'

/** Must equal the version of the npm package `solc`, which holds the compiler itself. */
export const compilerVersion = '0.8.37'

/** The compiler as one JavaScript file: nothing is downloaded and nothing native is needed. */
export const compilerPath = createRequire(import.meta.url).resolve('solc/soljson.js')

/** What tests and deployed bytecode share. Cancun is the oldest EVM with transient storage. */
export const settings = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 10_000 },
}
