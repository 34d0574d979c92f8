import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '#test/support/describe-with.ts'
import { enterKey, launch, openTab } from './browser.ts'
import { type District, startDistrict } from './district.ts'

describeWith('chromium', 'cancelling inside the window', (executablePath) => {
  let district: District
  let browser: Browser
  let id: string

  beforeAll(async () => {
    district = await startDistrict()
    browser = await launch(executablePath)
    await district.passTo(-600)
    id = await district.request([7000])
    await district.passTo(-300)
    await district.accept(id)
    await district.passTo(300)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await district?.stop()
  })

  test('takes two steps of the keyboard, the first of which does nothing', async () => {
    const origin = district.service.url
    const { page, faults } = await openTab(browser, origin, 'dark, narrow')
    const path = `/v1/flexibility-calls/${id}`
    const call = async () =>
      (await district.service.send('GET', path, { key: district.keys.dso })).body
    await enterKey(page, origin, 'dso', district.keys.dso)
    const opener = page.getByRole('button', { name: 'Cancel call' })
    await opener.focus()
    await page.keyboard.press('Enter')
    await page.getByText('All devices are released now.').waitFor()

    // The focus stands on the harmless one; it closes and gives the focus back.
    await page.keyboard.press('Enter')
    await expect.poll(() => page.getByText('All devices are released').count()).toBe(0)
    expect(await opener.evaluate((button) => button === document.activeElement)).toBe(true)
    expect((await call()).cancelledAt).toBeNull()

    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await call()).cancelledAt).not.toBeNull()
    await expect.poll(() => opener.count()).toBe(0)
    await page.getByText('cut short').waitFor()
    expect(faults).toEqual([])
  })
})
