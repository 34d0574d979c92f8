import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { parseReceipt } from '#domain/receipt.ts'
import { faultsOf } from './axe.ts'
import {
  closeAll,
  describePages,
  enterKey,
  launch,
  openTab,
  type Tab,
  untilLive,
} from './browser.ts'
import { type District, startDistrict } from './district.ts'

const NEW_IBAN = 'DE89 3704 0044 0532 0130 00'

/** Anna decides where her money goes, and objects to a line of a call that is verified. */
describePages('an owner and her money', (executablePath) => {
  let district: District
  let browser: Browser
  let id: string
  const tabs: Tab[] = []

  beforeAll(async () => {
    district = await startDistrict()
    browser = await launch(executablePath)
    await district.passTo(-600)
    id = await district.request([7000])
    await district.passTo(-300)
    await district.accept(id)
    await district.passTo(1080)
  }, 120_000)
  afterEach(() => closeAll(tabs))
  afterAll(async () => {
    await browser?.close()
    await district?.stop()
  })

  const open = async () => {
    const tab = await openTab(browser, district.service.url, 'light, narrow')
    tabs.push(tab)
    await enterKey(tab.page, district.service.url, 'owner', district.keys.anna)
    await untilLive(tab.page)
    return tab.page
  }
  const ask = async (path: string) =>
    (await district.service.send('GET', path, { key: district.keys.anna })).body
  const payout = () => ask('/v1/owner/payout')

  test('a mistyped account number is told at its field and goes nowhere', async () => {
    const page = await open()
    await page.getByText('Name another bank account').click()
    const iban = page.getByLabel('Account number (IBAN)')
    const sent: string[] = []
    page.on('request', (request) => sent.push(`${request.method()} ${request.url()}`))
    await iban.fill('DE89 3704 0044 0532 0130 01')
    await page.getByRole('button', { name: 'Save bank account' }).click()
    await page.getByText('a letter or digit is wrong, or two are swapped').waitFor()
    expect(await iban.getAttribute('aria-invalid')).toBe('true')
    expect(await iban.evaluate((field) => field === document.activeElement)).toBe(true)
    expect(sent.filter((one) => one.startsWith('PUT'))).toEqual([])
    expect(await faultsOf(page)).toEqual([])

    // What only the service refuses stands at its field as well.
    await iban.fill(NEW_IBAN)
    await page.getByLabel('Name on the account').fill('Anna €xample')
    await page.getByRole('button', { name: 'Save bank account' }).click()
    await page.getByText('Expected 1 to 70 letters').waitFor()
    expect(await iban.getAttribute('aria-invalid')).toBe('false')
    expect((await payout()).accountFrom).toBeNull()
  }, 60_000)

  test('another account is announced, never shown again, and can be taken back', async () => {
    const page = await open()
    await page.getByText('Name another bank account').click()
    await page.getByText('A change counts after 48 hours').waitFor()
    await page.getByLabel('Account number (IBAN)').fill(NEW_IBAN)
    await page.keyboard.press('Enter')
    await page.getByText('From Fri, 16 Jan 2026, 17:18 on your money goes to another').waitFor()
    expect((await payout()).accountFrom).toBe('2026-01-16T16:18:00Z')
    expect(await page.getByLabel('Account number (IBAN)').inputValue()).toBe('')
    expect(await page.content()).not.toMatch(/DE89|0532|0130/)

    await page.getByRole('button', { name: 'Keep what I have now' }).click()
    await expect.poll(() => page.getByText('on your money goes to another').count()).toBe(0)
    expect((await payout()).accountFrom).toBeNull()
  })

  test('a wallet hides behind “advanced” and is announced like an account', async () => {
    const page = await open()
    const address = page.getByLabel('Address of your wallet')
    expect(await address.isVisible()).toBe(false)
    await page.getByText('Advanced: a wallet of your own').click()
    await address.fill('0x1234')
    await page.getByRole('button', { name: 'Use this wallet' }).click()
    await page.getByText('An address is 0x and 40 more characters').waitFor()
    await address.fill(`0x${'ab'.repeat(20)}`)
    await page.getByRole('button', { name: 'Use this wallet' }).click()
    await page.getByText('on your money goes to another wallet').waitFor()
    await page.getByRole('button', { name: 'Keep what I have now' }).click()
    await expect.poll(async () => (await payout()).announced).toBeNull()
  })

  test('she objects to a line once, and reads what comes of it', async () => {
    const page = await open()
    await page.getByText('Is something wrong with this?').first().click()
    const form = page.locator('form').filter({ hasText: 'What is wrong?' }).first()
    await form.getByText('You can object until').waitFor()
    await form.getByRole('button', { name: 'Send objection' }).click()
    await form.getByText('Choose what is wrong.').waitFor()
    await form.getByText('Say in your own words').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await form.getByLabel('What is wrong?').selectOption('delivery')
    await form.getByLabel('What happened?').fill('The car was away.')
    await form.getByRole('button', { name: 'Send objection' }).click()
    await page.getByText('You objected on Wed, 14 Jan 2026').waitFor()
    await page.getByText('is being put on hold; everything else is paid as usual').waitFor()
    const { disputes } = await ask(`/v1/flexibility-calls/${id}/disputes`)
    expect(disputes).toMatchObject([
      { reason: 'delivery', text: 'The car was away.', raisedBy: 'owner', state: 'open' },
    ])

    await district.passTo(2400)
    await page.getByText(/is on hold\. More verifiers than the first time/).waitFor()
    await page.getByText('it goes back to the grid operator').waitFor()
  }, 60_000)

  test('the receipt is kept as a file whose proofs hold', async () => {
    const page = await open()
    const kept = page.waitForEvent('download')
    await page
      .getByRole('button', { name: /^Receipt of charger/ })
      .first()
      .click()
    const file = await kept
    expect(file.suggestedFilename()).toMatch(new RegExp(`^receipt-${id}-v\\d+\\.json$`))
    const chunks: Buffer[] = []
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer)
    expect(parseReceipt(Buffer.concat(chunks).toString()).ownerId).toBe('anna')
  })

  test('she erases her account number by keyboard, in two steps', async () => {
    const page = await open()
    const opener = page.getByRole('button', { name: 'Erase my account number' })
    await opener.focus()
    await page.keyboard.press('Enter')
    await page.getByText('Nobody can read it again').waitFor()
    await page.keyboard.press('Enter') // the focus stands on the harmless one
    await expect.poll(() => page.getByText('Nobody can read it again').count()).toBe(0)
    expect((await payout()).account).toBe('named')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Your account number was erased.').first().waitFor()
    expect((await payout()).account).toBe('erased')
  })
})
