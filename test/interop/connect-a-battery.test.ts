/** docs/connect-a-battery.md, word by word, with the Python package `asyncua` as the battery. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '#test/support/describe-with.ts'
import { deadLinks, type Followed, follow } from './guides.ts'

const PAGE = 'connect-a-battery.md'

describeWith('python3-venv', 'the guide to a battery', () => {
  let followed: Followed

  beforeAll(async () => {
    followed = await follow(PAGE, ['service.log', 'battery.log', 'watch.log'])
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

  test('connects only once the certificate it shows was trusted by hand', () => {
    expect(followed.said).toMatch(/"presentedThumbprint":"[0-9A-F]{40}"[^]*is trusted with/)
    expect(followed.said).toMatch(
      /is trusted with[^]*^battery-bert: battery over opcua; connected/m,
    )
  })

  test('shows each link of the chain as it came, until the battery is let go', () => {
    const lines = followed.read('watch.log').split('\n')
    const links = lines.flatMap((line) => {
      const [, link] = /setpoint 1 (\w+)/.exec(line) ?? []
      return link === undefined ? [] : [link]
    })
    expect(links).toEqual(['ordered', 'acknowledged', 'effective', 'observed'])
    expect(lines.join('\n')).toMatch(/setpoint \d+ ordered: its own default/)
    expect(followed.read('battery.log')).toMatch(/"kind": "order", "watts": 6000/)
    expect(followed.read('battery.log')).toMatch(/"kind": "(release|reverted)"/)
  })

  test('ends with a battery that delivered more than nothing, and an owner who was paid', () => {
    const [, deliveredWh] = /^battery-bert: (-?\d+) Wh, paid$/m.exec(followed.said) ?? []
    expect(Number(deliveredWh)).toBeGreaterThan(0)
    expect(followed.said).toMatch(/EUR was paid, after the aggregator's share/)
  })

  test('keeps what its owner says, and is taken out of calls and given back', () => {
    const { said } = followed
    expect(said).toMatch(
      /^3000\nIt costs nothing\.\nits owner keeps it out of calls until .+\nnobody$/m,
    )
  })
})
