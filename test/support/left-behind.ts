import { afterAll, expect, vi } from 'vitest'

/*
 * Set up before each file that shares its process with others (vitest.config.ts): what a file
 * changes for itself, it puts back, or it fails, not whoever comes after it.
 */
const before = { ...process.env }
/** Reading a private key, node-opcua sets it aside and puts it back as the word `undefined`. */
const LIBRARIES_OWN = ['OPENSSL_CONF']
const { write } = process.stdout
const folder = process.cwd()

afterAll(() => {
  const names = new Set([...Object.keys(before), ...Object.keys(process.env)])
  for (const name of LIBRARIES_OWN) names.delete(name)
  const changed = [...names].filter((name) => process.env[name] !== before[name])
  expect(changed, 'variables of the environment').toEqual([])
  expect(process.stdout.write, 'where the output goes').toBe(write)
  expect(process.cwd(), 'the working folder').toBe(folder)
  expect(vi.isFakeTimers(), 'timers that stand still').toBe(false)
})
