import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Must equal the version of the npm package `solc`, which holds the compiler itself. */
export const compilerVersion = '0.8.37'

/**
 * The compiler as one JavaScript file: nothing is downloaded and nothing native is needed.
 * Hardhat imports this path as if it were a URL, so '#', '?' and '%' in the name of a folder above
 * would break it: then it gets the path of a link, which is gone when the process ends.
 */
export function compilerPath() {
  const path = createRequire(import.meta.url).resolve('solc/soljson.js')
  if (!/[#?%]/.test(path)) return path
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-solc-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const link = join(folder, 'soljson.js')
  symlinkSync(path, link)
  return link
}

/** What tests and deployed bytecode share. Cancun is the oldest EVM with transient storage. */
export const settings = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 200 },
}
