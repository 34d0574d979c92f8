import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { microEur } from '#domain/money.ts'
import { checkBooks } from '#lifecycle/check-books.ts'
import { IBANS, idempotent } from '#test/http/service.ts'
import { faultsOf } from './axe.ts'
import {
  closeAll,
  describePages,
  enterKey,
  type Look,
  LOOKS,
  launch,
  openTab,
  type Role,
  type Tab,
} from './browser.ts'
import { type District, startDistrict } from './district.ts'

/** The DSO objects to one line of a call, the others are paid; then the books differ. */
describePages('the operator’s page', (executablePath) => {
  let district: District
  let browser: Browser
  let id: string
  const tabs: Tab[] = []

  beforeAll(async () => {
    district = await startDistrict()
    browser = await launch(executablePath)
    await district.passTo(-600)
    id = await district.request([12_000])
    await district.passTo(-300)
    await district.accept(id)
    await district.passTo(1080)
    const words = { resourceId: 'charger-1', reason: 'readings', text: 'The meter stood still.' }
    await send('dso', 'POST', `/v1/flexibility-calls/${id}/disputes`, words)
    const account = { iban: 'NL91ABNA0417164300', name: 'Payout Trust' }
    await send('agent', 'PUT', '/v1/agent/account', account)
    await district.passTo(2400)
    await checkBooks(district.service.ports, 1)
  }, 120_000)
  afterEach(() => closeAll(tabs))
  afterAll(async () => {
    await browser?.close()
    await district?.stop()
  })

  async function send(by: 'dso' | 'agent', method: string, path: string, body: unknown) {
    const sent = { key: district.keys[by], body, headers: idempotent() }
    const { status, text } = await district.service.send(method, path, sent)
    if (status !== 200) throw new Error(text)
  }
  async function open(role: Role, key: 'operator' | 'dso', look: Look): Promise<Page> {
    const tab = await openTab(browser, district.service.url, look)
    tabs.push(tab)
    await enterKey(tab.page, district.service.url, role, district.keys[key])
    return tab.page
  }

  test('another role’s key does not open it', async () => {
    const page = await open('operator', 'dso', 'light, narrow')
    await page.getByText('it belongs to another role’s page').waitFor()
  })

  test('tells what waits for a decision and until when, and where the money is', async () => {
    const page = await open('operator', 'operator', 'dark, narrow')
    await page
      .getByText('✓ At the last comparison, Wed, 14 Jan 2026, 17:40, everything agreed.')
      .waitFor()
    await page.getByText('✓ Nothing waits: all that was asked of the pool is done.').waitFor()
    const waiting = page.getByRole('region', { name: 'Waits for a decision' })
    await waiting.getByText('the grid operator objected on Wed, 14 Jan 2026, 17:18').waitFor()
    await waiting.getByText('“The meter stood still.”').waitFor()
    await waiting.getByText('More verifiers or the arbiter decide until Fri, 13 Feb').waitFor()
    const ledger = page.getByRole('region', { name: 'Where the money is' })
    const sum = ledger.locator('.total dd')
    expect(await sum.textContent()).toBe('€0.00')
  }, 60_000)

  test('hands the file for the bank to the payout agent’s key and to no other', async () => {
    const page = await open('operator', 'operator', 'light, wide')
    await page.getByText('Payments through the bank, payout 1').click()
    await page.getByText('owner:anna').waitFor()
    await page.getByText('Payment files for the bank').click()
    const key = page.getByLabel('The payout agent’s key')
    await key.fill(district.keys.operator)
    await page.getByRole('button', { name: 'Use this key' }).click()
    await page.getByText('This is not the key of a payout agent.').waitFor()
    await key.fill(district.keys.agent)
    await page.keyboard.press('Enter')
    const kept = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Payment file of payout 1' }).click()
    const file = await kept
    expect(file.suggestedFilename()).toMatch(/^GC-[0-9a-f]{12}-E1\.xml$/)
    expect(await readFile(await file.path(), 'utf8')).toContain(`<IBAN>${IBANS.anna}</IBAN>`)
    expect(await page.content()).not.toContain(IBANS.anna)
    expect(await page.evaluate(() => Object.values(sessionStorage))).toEqual([
      district.keys.operator,
    ])

    const invoice = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Invoice and credit note, dso as CSV' }).click()
    expect((await invoice).suggestedFilename()).toMatch(/-2026-01\.csv$/)
  }, 60_000)

  test('the DSO’s page shows what is on hold with its deadline', async () => {
    const page = await open('dso', 'dso', 'light, wide')
    const objections = page.getByRole('region', { name: 'Objections and holds' })
    await objections.getByText('charger-1: the grid operator objected').waitFor()
    await objections.getByText('decide until Fri, 13 Feb 2026').waitFor()
    await page.getByText('What is on hold is decided').waitFor()
  }, 60_000)

  test('an alarm stands in every look, with what differs, and ends when the books agree', async () => {
    const { ports } = district.service
    const page = await open('operator', 'operator', 'light, wide')
    await page.getByText('✓ At the last comparison').waitFor()
    const book = (key: string, amount: bigint) =>
      ports.store.transaction((tx) =>
        tx.ledger.post(key, [
          { account: 'escrow:nobody', amount: microEur(amount), at: ports.clock.now() },
          { account: 'dso:dso', amount: microEur(-amount), at: ports.clock.now() },
        ]),
      )
    await book('a mistake', 5n)
    await page.getByRole('button', { name: 'Compare now' }).click()
    await page.getByText('escrows in the ledger against the events').waitFor()
    await checkBooks(ports, 1)
    await page.getByText('▲ The books differ since').waitFor()
    expect(await page.title()).toBe('▲ Books differ · Gridcall')
    for (const look of ['light, wide', 'dark, narrow'] as const) {
      await page.emulateMedia({ colorScheme: LOOKS[look].colorScheme })
      await page.setViewportSize(LOOKS[look].viewport)
      expect(await faultsOf(page), look).toEqual([])
    }
    await book('put right', -5n)
    await checkBooks(ports, 1)
    await page.getByText('everything agreed, again since').waitFor()
  }, 60_000)

  test('where no chain holds the money, a line of the bank’s statement is booked once', async () => {
    const { ports } = district.service
    const before = await open('operator', 'operator', 'light, narrow')
    await before.getByText('✓ At the last comparison').waitFor()
    expect(await before.getByRole('region', { name: 'The bank' }).count()).toBe(0)
    const { relayer: _relayer, ...setup } = ports.rail.parties
    await ports.store.transaction((tx) => tx.pool.establish(setup))

    const page = await open('operator', 'operator', 'dark, narrow')
    const bank = page.getByRole('region', { name: 'The bank' })
    await bank.getByRole('button', { name: 'Book it' }).click()
    await bank.getByText('Choose whose money it is.').waitFor()
    await bank.getByText('Euros and cents, such as 1250.00.').waitFor()
    const book = async (direction: string, amount: string, reference: string) => {
      await bank.getByLabel('The money').selectOption(direction)
      await bank.getByLabel('Whose money').selectOption({ label: 'Grid operator dso' })
      await bank.getByLabel('Amount in euros').fill(amount)
      await bank.getByLabel('The bank’s reference').fill(reference)
      await bank.getByRole('button', { name: 'Book it' }).click()
    }
    await book('in', '1250.00', 'NTRF-1')
    await bank.getByText('✓ Booked. Grid operator dso has €1,250.00 free to use now.').waitFor()
    await book('in', '1250', 'NTRF-1')
    await bank.getByText('has €1,250.00 free to use now.').waitFor()
    await book('out', '1250.01', 'NTRF-2')
    await bank.getByText('Expected at most 1250000000.').waitFor()
    expect(await faultsOf(page)).toEqual([])
    const accounts = await ports.store.transaction((tx) => tx.pool.accounts())
    expect(accounts.map(({ account }) => account)).toEqual([
      'bank',
      `wallet:${SIMULATED_PARTIES.payer}`,
    ])
  }, 60_000)
})
