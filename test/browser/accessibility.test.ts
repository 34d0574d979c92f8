import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { faultsOf } from './axe.ts'
import {
  describePages,
  enterKey,
  type Look,
  LOOKS,
  launch,
  openTab,
  type Role,
  untilLive,
} from './browser.ts'
import { type District, startDistrict } from './district.ts'

const KEYS = { dso: 'dso', aggregator: 'agg', owner: 'anna' } as const
type CallRole = keyof typeof KEYS
const roles = Object.keys(KEYS) as CallRole[]

/** Each pair holds both colours and both widths, which is what a rule of axe can depend on. */
const PAIRS: readonly (readonly [Look, Look])[] = [
  ['light, wide', 'dark, narrow'],
  ['light, narrow', 'dark, wide'],
]
/** Which pair a page is looked at in: the other one at the next page, and in every other run. */
let turn = Number(process.env.GRIDCALL_SEED ?? 0)

/** Light and dark, wide and narrow: nothing that axe finds, and nothing beside the screen. */
describePages('every page, light and dark, wide and narrow', (executablePath) => {
  let district: District
  let browser: Browser
  let page: Page
  let close: () => Promise<void>

  beforeAll(async () => {
    district = await startDistrict()
    browser = await launch(executablePath)
    await district.passTo(-600)
    await district.request([14_000, 12_000])
    await district.passTo(-300)
  }, 120_000)
  afterEach(() => close())
  afterAll(async () => {
    await browser?.close()
    await district?.stop()
  })

  async function open(role: Role, key: string): Promise<void> {
    const tab = await openTab(browser, district.service.url, 'light, wide')
    page = tab.page
    close = async () => {
      await tab.context.close()
      expect(tab.faults).toEqual([])
    }
    await enterKey(page, district.service.url, role, key)
  }

  async function openLive(role: CallRole): Promise<void> {
    await open(role, district.keys[KEYS[role]])
    await untilLive(page)
    await page.getByText('Reading …').waitFor({ state: 'detached' })
    const closed = page.locator('details:not([open])')
    await closed.evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')))
    await expect.poll(() => closed.count()).toBe(0)
  }

  async function look(): Promise<string[]> {
    const found: string[] = []
    const pair = PAIRS[turn++ % PAIRS.length]
    if (pair === undefined) throw new Error(`GRIDCALL_SEED: expected a whole number, got ${turn}`)
    for (const name of pair) {
      const { colorScheme, viewport } = LOOKS[name]
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize(viewport)
      found.push(...(await faultsOf(page)).map((fault) => `${name}: ${fault}`))
    }
    return found
  }

  test('the key box with a problem shown', async () => {
    await open('owner', 'wrong')
    await page.getByText('This key is not known here.').waitFor()
    expect(await look()).toEqual([])
  }, 60_000)

  test('an offer that waits for a signature', async () => {
    await openLive('dso')
    await page.getByRole('heading', { name: 'Accept the offer' }).waitFor()
    expect(await look()).toEqual([])
  }, 60_000)

  describe('in the window', () => {
    beforeAll(async () => {
      const sent = { key: district.keys.dso }
      const { body } = await district.service.send('GET', '/v1/flexibility-calls', sent)
      await district.accept(body[0].id)
      await district.passTo(1140)
    }, 60_000)

    test.each(roles)(
      '%s',
      async (role) => {
        await openLive(role)
        expect(await look()).toEqual([])
      },
      60_000,
    )

    test('with the question whether to cancel', async () => {
      await openLive('dso')
      await page.getByRole('button', { name: 'Cancel call' }).click()
      await page.getByRole('button', { name: 'Yes, cancel it' }).waitFor()
      expect(await look()).toEqual([])
    }, 60_000)
  })

  describe('paid', () => {
    beforeAll(() => district.passTo(4200), 60_000)

    test.each(roles)(
      '%s',
      async (role) => {
        await openLive(role)
        expect(await look()).toEqual([])
      },
      60_000,
    )
  })

  test('what is looked for would be found', async () => {
    await open('dso', 'wrong')
    await page.evaluate(() => {
      const broad = document.createElement('p')
      broad.append('broad', document.createElement('img'))
      broad.style.setProperty('width', '3000px')
      document.querySelector('main')?.append(broad)
    })
    expect((await faultsOf(page)).join()).toMatch(/image-alt.*wider than the screen/)
  })
})
