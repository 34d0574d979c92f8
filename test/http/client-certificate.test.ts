import { expect, test } from 'vitest'
import { aTown, CLIENT_CERTIFICATE, startService } from './service.ts'
import { undocumented } from './documented.ts'

const PATH = '/v1/opcua/client-certificate'

test('a battery’s installer gets our certificate from the aggregator; a DSO or owner does not', async () => {
  const service = await startService()
  try {
    const { keys } = await aTown(service)
    for (const key of [keys.dso, keys.anna, keys.verifier]) {
      expect((await service.send('GET', PATH, { key })).status).toBe(404)
    }
    const { status, body } = await service.send('GET', PATH, { key: keys.agg })
    expect({ status, body }).toEqual({ status: 200, body: CLIENT_CERTIFICATE })
    const { body: document } = await service.send('GET', '/openapi.json')
    const exchanges = service.exchanges.filter(({ path }) => path === PATH)
    expect(undocumented(document.paths, exchanges)).toEqual([])
  } finally {
    await service.stop()
  }
})
