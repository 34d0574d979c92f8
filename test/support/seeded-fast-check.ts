import fc from 'fast-check'

/*
 * Stands for `fast-check` in every test (vitest.config.ts): a run that failed is the same again
 * with its seed, which `gridcall test` tells.
 */
const seed = process.env.GRIDCALL_SEED
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) })

export * from 'fast-check'
export default fc
