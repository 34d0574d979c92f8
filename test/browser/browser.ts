import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { describeWith } from '#test/support/describe-with.ts'

/** How long a page may take to show something on a machine that does other things, too. */
export const WAIT_MS = 25_000

/** Tests with a browser, whose path they get; each is several such waits. */
export function describePages(name: string, tests: (executablePath: string) => void): void {
  vi.setConfig({ testTimeout: 90_000 })
  describeWith('chromium', name, tests)
}

export const LOOKS = {
  'light, wide': { colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  'dark, wide': { colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  'light, narrow': { colorScheme: 'light', viewport: { width: 360, height: 740 } },
  'dark, narrow': { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
} as const
export type Look = keyof typeof LOOKS

export type Role = 'dso' | 'aggregator' | 'owner' | 'operator'

/** Debian's Chromium, told to talk to nobody but the page. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A tab in which whatever the page does wrong is written down. */
export type Tab = {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors, refused loads and requests to elsewhere; refusals of the API are not among them. */
  readonly faults: string[]
}

export async function openTab(browser: Browser, origin: string, look: Look): Promise<Tab> {
  const context = await browser.newContext({
    ...LOOKS[look],
    timezoneId: 'Europe/Amsterdam',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(WAIT_MS)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() !== 'error') return
    if (!/Failed to load resource/.test(message.text())) faults.push(message.text())
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url)) faults.push(`asked ${url}`)
  })
  return { page, context, faults }
}

/** Closes what a test opened; no page may have done anything wrong. */
export async function closeAll(tabs: Tab[]): Promise<void> {
  for (const { context, faults } of tabs.splice(0)) {
    await context.close()
    expect(faults).toEqual([])
  }
}

/** Waits until the page says so; a state is written with its sign. */
export async function untilLive(page: Page, word: keyof typeof SIGNS = 'Live'): Promise<void> {
  const deadline = { timeout: WAIT_MS }
  await page.getByText(`${SIGNS[word]} ${word}`, { exact: true }).waitFor(deadline)
}
const SIGNS = { Live: '●', Reconnecting: '▲', Paused: '❚❚' } as const

/** Opens a role's page and enters the key as a person does. */
export async function enterKey(page: Page, origin: string, role: Role, key: string): Promise<void> {
  await page.goto(`${origin}/${role}`)
  await page.getByLabel('Your key').fill(key)
  await page.getByRole('button', { name: 'Open' }).click()
}
