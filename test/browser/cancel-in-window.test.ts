import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '#test/support/describe-with.ts'
import { faultsOf } from './axe.ts'
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
    await page.getByText('cut short', { exact: true }).waitFor()
    expect(faults).toEqual([])
  })

  test('all control is stopped with a reason, everybody reads how far it came, and it is lifted', async () => {
    const origin = district.service.url
    const second = await district.request([7000], 1800)
    await district.passTo(1500)
    await district.accept(second)
    await district.passTo(1860)
    const stops = async () =>
      (await district.service.send('GET', '/v1/emergency-stops', { key: district.keys.dso })).body
    const { page, faults } = await openTab(browser, origin, 'light, narrow')
    await enterKey(page, origin, 'dso', district.keys.dso)
    await page.getByText('Stop all control of devices').click()
    const button = page.getByRole('button', { name: 'Stop all control now' })
    await button.click()
    await page.getByText('Choose where.').waitFor()
    await page.getByLabel('Where', { exact: true }).selectOption('North')
    await button.click()
    await page.getByText('Say why: everybody concerned reads it.').waitFor()
    expect(await stops()).toEqual([])
    await page.getByLabel('Why', { exact: true }).fill('a line is down')
    await button.click()
    const stopped = page.getByRole('region', { name: 'All control is stopped' })
    await stopped.getByText('a line is down').waitFor()
    const [{ told }] = await stops()
    expect(told).toBeGreaterThan(0)
    await district.passTo(1890)
    await stopped.getByText(`✓ ${told} of ${told} devices that were led have let go.`).waitFor()
    expect(await faultsOf(page)).toEqual([])

    // The operator reads it too, and may stop everywhere.
    const other = await openTab(browser, origin, 'light, wide')
    await enterKey(other.page, origin, 'operator', district.keys.operator)
    await other.page.getByRole('region', { name: 'All control is stopped' }).waitFor()
    await other.page.getByText('Stop all control of devices').click()
    await other.page.getByLabel('Where', { exact: true }).selectOption('Everywhere')
    expect(await faultsOf(other.page)).toEqual([])

    await stopped.getByRole('button', { name: 'Lift this stop' }).click()
    await expect.poll(() => stopped.count()).toBe(0)
    expect((await stops())[0].liftedAt).not.toBeNull()
    expect([...faults, ...other.faults]).toEqual([])
  })
})
