import { createMemoryStore } from '#db/memory-store.ts'
import { describeStore } from './store-conformance.ts'

describeStore('in memory', async () => ({
  open: async () => createMemoryStore(),
  close: async () => undefined,
}))
