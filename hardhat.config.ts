import { defineConfig } from 'hardhat/config'
import { compilerPath, compilerVersion, settings } from './contracts/compiler.ts'

// `path` on every profile: an entry without it would be downloaded.
const solc = { version: compilerVersion, path: compilerPath() }

export default defineConfig({
  paths: {
    sources: 'contracts',
    tests: { solidity: 'test/contracts' },
    artifacts: 'contracts/artifacts',
    cache: 'contracts/cache',
  },
  test: {
    solidity: {
      profiles: {
        default: {
          fuzz: { runs: 256 },
          invariant: { runs: 12, depth: 120, failOnRevert: true },
        },
        // `hardhat test solidity --test-profile deep`
        deep: {
          fuzz: { runs: 10_000 },
          invariant: { runs: 256, depth: 100, failOnRevert: true },
        },
      },
    },
  },
  solidity: {
    profiles: {
      default: { ...solc, settings },
      production: { ...solc, settings },
      // A second code generator for the same tests: `hardhat test solidity --build-profile viair`.
      viair: { ...solc, settings: { ...settings, viaIR: true } },
    },
  },
})
