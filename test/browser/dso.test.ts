import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { formatEuros, formatWatts } from '#dashboards/format.ts'
import { keccakText } from '#domain/canonical.ts'
import { openWire, type Wire } from '#test/adapters/opcua/proxy.ts'
import {
  closeAll,
  describePages,
  enterKey,
  launch,
  openTab,
  type Tab,
  untilLive,
  WAIT_MS,
} from './browser.ts'
import { type District, startDistrict } from './district.ts'

/** Seconds after the window's start. */
const TOMORROW = 86_400

/** One call as its DSO follows it, from the offer to the payout, in a browser. */
describePages('the DSO’s page', (executablePath) => {
  let district: District
  let browser: Browser
  /** Between browser and service, so that it can be cut. */
  let wire: Wire
  let origin: string
  let id: string
  const tabs: Tab[] = []

  beforeAll(async () => {
    district = await startDistrict()
    wire = await openWire(Number(new URL(district.service.url).port))
    origin = `http://127.0.0.1:${wire.port}`
    browser = await launch(executablePath)
    await district.passTo(-600)
    id = await district.request([14_000, 12_000])
    await district.passTo(-300)
  }, 120_000)
  afterEach(() => closeAll(tabs))
  afterAll(async () => {
    await browser?.close()
    await wire?.close()
    await district?.stop()
  })

  const open = async (key = district.keys.dso) => {
    const tab = await openTab(browser, origin, 'light, wide')
    tabs.push(tab)
    await enterKey(tab.page, origin, 'dso', key)
    return tab.page
  }
  const call = async () => {
    const path = `/v1/flexibility-calls/${id}`
    return (await district.service.send('GET', path, { key: district.keys.dso })).body
  }

  test('says that a key is not known, and keeps nothing of it', async () => {
    const page = await open('not-a-key')
    await page.getByText('This key is not known here.').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    expect(await page.getByLabel('Your key').getAttribute('aria-invalid')).toBe('true')
  })

  test('says that a key belongs to another role', async () => {
    const page = await open(district.keys.anna)
    await page.getByText('it belongs to another role’s page').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  })

  test('keeps the key over a reload and forgets it when told', async () => {
    const page = await open()
    await page.getByRole('heading', { name: 'Reduce import at North' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Reduce import at North' }).waitFor()
    await page.getByRole('button', { name: 'Forget key' }).click()
    await page.getByLabel('Your key').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  })

  test('an offer shows how to sign, until when, and who was left out and why', async () => {
    const page = await open()
    await page.getByRole('heading', { name: 'Accept the offer' }).waitFor()
    await page.getByText('gridcall -- dso sign').waitFor()
    const { escrow } = await call()
    await page.getByText(formatEuros(escrow.amountMinor)).first().waitFor()
    await page.getByText('Your signature is due').waitFor()
    await page.getByText('Asks for more than the price cap').click()
    await page.getByText('battery-3').waitFor()
  })

  test('a signed call is cancelled before its window by signature only', async () => {
    await district.accept(id)
    const page = await open()
    await page.getByRole('button', { name: 'Cancel call' }).click()
    await page.getByText(`${id}/cancellation`).first().waitFor()
    expect(await page.getByRole('button', { name: 'Yes, cancel it' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Close' }).click()
    expect((await call()).state).toBe('offered')
  })

  test('follows the window without a reload: figures, repair, notice, deadline', async () => {
    const page = await open()
    await page.getByRole('heading', { name: /Offered/ }).waitFor()
    await district.passTo(1140)
    await page.getByRole('heading', { name: /Dispatched/ }).waitFor()
    const { periods, repairs } = await call()
    const shown = periods.map((p: Record<string, number>) =>
      ['requestedW', 'orderedW', 'baselineW', 'measuredW', 'deliveredW']
        .map((name) => formatWatts(p[name] ?? Number.NaN))
        .concat(formatWatts(Math.max(0, (p['orderedW'] ?? 0) - (p['deliveredW'] ?? 0)))),
    )
    const table = page.getByRole('region', { name: 'Figures per settlement period' })
    const rows = async () =>
      Promise.all(
        (await table.locator('tbody tr').all()).map((row) => row.locator('td').allTextContents()),
      )
    await expect.poll(rows, { timeout: WAIT_MS }).toEqual(shown)
    expect(repairs[0].resourceId).toBe('charger-2')
    await page.getByText('charger-2 accepted its setpoint but did not follow it').waitFor()
    const why = page.locator('section[aria-labelledby="decisions"]')
    await why.getByText('Released: it accepted its setpoint').click()
    await why.getByText('charger-2').waitFor()
    const notices = page.getByRole('region', { name: 'Notices, newest first' })
    await notices.getByText('charger-2 is replaced by').waitFor()
    await page.getByText('Window ends', { exact: true }).waitFor()
    // The business clock stands at 17:19 in this world; the browser's own is another one.
    await page.getByText(/^10\smin\s\d\d\ss$/).waitFor()
  })

  test('tells state changes aloud, and figures not', async () => {
    const page = await open()
    await page.getByRole('heading', { name: /Dispatched/ }).waitFor()
    const other = await district.request([1000], TOMORROW)
    const spoken = page.getByRole('status').filter({ hasText: 'is now' })
    await expect.poll(() => spoken.textContent(), { timeout: WAIT_MS }).toContain('requested')
    expect(await spoken.textContent()).not.toMatch(/\d/)
    const cancel = `/v1/flexibility-calls/${other}/cancellation`
    await district.service.send('POST', cancel, { key: district.keys.dso, body: {} })
  })

  test('the arrow keys read the chart period by period', async () => {
    const page = await open()
    const chart = page.getByRole('group', { name: /^Chart: Reduction/ })
    await chart.focus()
    await page.keyboard.press('ArrowRight')
    await page.getByText(/^17:00–17:15: Requested 14.0\skW, Delivered/).waitFor()
    await page.keyboard.press('ArrowRight')
    await page.getByText(/^17:15–17:30: Requested 12.0\skW/).waitFor()
  })

  test('comes back by itself when the line was cut, and misses nothing', async () => {
    const page = await open()
    await untilLive(page)
    const before = await district.request([1000], TOMORROW)
    await page.locator(`a[href="#call=${before}"]`).waitFor()
    await wire.unplug()
    await untilLive(page, 'Reconnecting')
    const meanwhile = await district.request([2000], TOMORROW)
    const resumed = page.waitForRequest(
      (request) => request.url().endsWith('/v1/stream') && !!request.headers()['last-event-id'],
    )
    await wire.mend()
    await resumed
    await untilLive(page)
    await page.locator(`a[href="#call=${meanwhile}"]`).waitFor()
  }, 40_000)

  test('a paused page stands still and catches up', async () => {
    const page = await open()
    await untilLive(page)
    await page.getByRole('button', { name: 'Pause' }).click()
    await untilLive(page, 'Paused')
    const clock = page.locator('.clock time')
    const stood = await clock.textContent()
    const made = await district.request([3000], TOMORROW)
    await page.waitForTimeout(1500)
    expect(await page.locator(`a[href="#call=${made}"]`).count()).toBe(0)
    expect(await clock.textContent()).toBe(stood)
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.locator(`a[href="#call=${made}"]`).waitFor()
  })

  test('a call that was chosen stays in the address', async () => {
    const page = await open()
    const first = page.locator('.call-list a').first()
    await first.click()
    await expect.poll(() => first.getAttribute('aria-current')).toBe('true')
    await page.reload()
    await expect.poll(() => first.getAttribute('aria-current')).toBe('true')
  })

  test('an end shows the exact split, signatures, transactions and evidence', async () => {
    await district.passTo(4200)
    const page = await open()
    await page.goto(`${origin}/dso#call=${id}`)
    await page.getByRole('heading', { name: /Paid/ }).waitFor()
    const { escrow, transactions, evidence, attestations } = await call()
    const money = page.locator('section[aria-labelledby="money"]')
    for (const part of ['fundedMinor', 'paidMinor', 'feeMinor', 'refundMinor', 'heldMinor']) {
      expect(await money.textContent()).toContain(formatEuros(escrow[part]))
    }
    await page.getByText(`${attestations.signed} signed, 2 needed: enough.`).waitFor()
    const table = page.getByRole('region', { name: 'Transactions on the chain' })
    const told = new Set(
      transactions.map((t: Record<string, string>) => `${t['hash']} ${t['kind']}`),
    )
    expect(await table.locator('tbody tr').count()).toBe(told.size)
    const hash = transactions[0].hash
    await table.getByRole('button').first().click()
    await table.getByText(hash).waitFor()

    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download evidence' }).click()
    const download = await downloading
    expect(keccakText(readFileSync(await download.path(), 'utf8'))).toBe(evidence.bundleHash)
    await page.getByText(`gridcall -- verify ${download.suggestedFilename()}`).waitFor()
  }, 60_000)
})
