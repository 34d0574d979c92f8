import { actTopics } from './support/acts-topics.ts'
import { ledgerWorld } from './support/rail-world.ts'

actTopics({ 'a ledger in memory': (options) => ledgerWorld('memory', options) })
