/** docs/connect-a-charger.md, word by word, with the Python package `ocpp` as the charger. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '#test/support/describe-with.ts'
import { deadLinks, type Followed, follow } from './guides.ts'

const PAGE = 'connect-a-charger.md'

describeWith('python3-venv', 'the guide to a charger', () => {
  let followed: Followed

  beforeAll(async () => {
    followed = await follow(PAGE, ['service.log', 'charger.log', 'watch.log'])
  }, 400_000)
  afterAll(() => followed?.remove(), 60_000)

  test('is what README points to, and every file it points to is there', () => {
    expect(readFileSync('README.md', 'utf8')).toContain(`(docs/${PAGE})`)
    expect(deadLinks(PAGE)).toEqual([])
  })

  test('runs to its end as it stands there', () => {
    expect(followed.result.exitCode, followed.lastWords).toBe(0)
    expect(followed.isWhole).toBe(true)
  })

  test('connects over TLS, with a certificate that was trusted by hand', () => {
    expect(followed.said).toMatch(/^wss:\/\//m)
    expect(followed.said).toMatch(/^charger-anna: charger over ocpp2\.0\.1; connected/m)
    expect(followed.read('charger.log')).toContain('over ocpp2.0.1')
  })

  test('shows each link of the chain as it came, until the charger is let go', () => {
    const lines = followed.read('watch.log').split('\n')
    const links = (version: number) =>
      lines.flatMap((line) => {
        const [, link] = new RegExp(`setpoint ${version} (\\w+)`).exec(line) ?? []
        return link === undefined ? [] : [link]
      })
    expect(links(1)).toEqual(['ordered', 'acknowledged', 'effective', 'observed'])
    expect(lines.join('\n')).toMatch(/setpoint \d+ ordered: its own default/)
    expect(lines.join('\n')).toMatch(/setpoint 1 acknowledged as TxProfile/)
  })

  test('ends with a charger that delivered more than nothing, and an owner who was paid', () => {
    const [, deliveredWh] = /^charger-anna: (-?\d+) Wh, paid$/m.exec(followed.said) ?? []
    expect(Number(deliveredWh)).toBeGreaterThan(0)
    expect(followed.said).toMatch(/EUR was paid, after the aggregator's share/)
  })

  test('does what its owner says, and lets go at a stop until it is lifted', () => {
    const { said } = followed
    expect(said).toMatch(/^12000\nIt costs nothing\.\nits owner wants full power until /m)
    expect(said).toMatch(/^its owner withdrew the consent at .+\nnull$/m)
    expect(said).toMatch(/^emergency-stop$[^]*^(owner|nobody)$/m)
  })
})
