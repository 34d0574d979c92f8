import { CHALLENGES, actTopics } from '../adapters/rails/support/acts-topics.ts'
import { evmWorld, ledgerWorld } from '../adapters/rails/support/rail-world.ts'

actTopics({ 'a ledger in PostgreSQL': (options) => ledgerWorld('postgres', options) }, CHALLENGES)
// The pool on a chain takes no challenges.
actTopics({ 'a chain': (options) => evmWorld(options) })
