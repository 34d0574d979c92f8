import { parseArgs } from 'node:util'
import { createWallTimer } from '#processes/wall-time.ts'
import { askService, printAnswer } from './service.ts'

/**
 * `gridcall chain status`: contracts, parties and what the pool holds, as the running service says;
 * with a manifest and an RPC as the chain itself says, and then the exit code is 0 only if all stands.
 */
export async function status(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      manifest: { type: 'string' },
      rpc: { type: 'string' },
    },
  })
  const { manifest: file, rpc } = values
  if (file === undefined && rpc === undefined) {
    printAnswer(values.json, await askService('/v1/operator/parties'))
    return 0
  }
  if (file === undefined || rpc === undefined) {
    throw new Error('expected --manifest FILE and --rpc URL together, or neither')
  }
  const { readManifest } = await import('#adapters/evm/manifest.ts')
  const { inspectPool } = await import('#adapters/evm/inspect.ts')
  const found = await inspectPool(await readManifest(file), {
    rpcUrl: rpc,
    timer: createWallTimer(),
  })
  for (const fault of found.faults) process.stderr.write(`${fault}\n`)
  printAnswer(values.json, found)
  return found.ok ? 0 : 1
}
