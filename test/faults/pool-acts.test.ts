import { actTopics } from '../adapters/rails/support/acts-topics.ts'
import { evmWorld, ledgerWorld } from '../adapters/rails/support/rail-world.ts'

actTopics({
  'a chain': (options) => evmWorld(options),
  'a ledger in PostgreSQL': (options) => ledgerWorld('postgres', options),
})
