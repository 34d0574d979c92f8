import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idempotent, programBody } from '#test/http/service.ts'
import { resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { WINDOW_START } from '#test/support/builders.ts'
import { STAND_BY } from '#test/support/standby-body.ts'
import { faultsOf } from './axe.ts'
import { describePages, enterKey, launch, openTab } from './browser.ts'
import { type District, startDistrict } from './district.ts'

describePages('what a DSO does inside the window', (executablePath) => {
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

  test('what stands by is told with its prices, and a part of it activated in two steps', async () => {
    const { paymentPolicy: _, ...program } = programBody({
      version: 2,
      product: 'availability',
      activationNoticeSeconds: 120,
    })
    const put = await district.service.send('PUT', '/v1/programs', {
      key: district.keys.dso,
      body: { ...program, paymentPolicy: STAND_BY },
      headers: idempotent(),
    })
    expect(put.status).toBe(200)
    const third = await district.request([5000, 5000], 3600)
    await district.passTo(3300)
    await district.accept(third)
    await district.passTo(3660)
    const path = `/v1/flexibility-calls/${third}`
    const call = async () =>
      (await district.service.send('GET', path, { key: district.keys.dso })).body
    const origin = district.service.url
    const { page, faults } = await openTab(browser, origin, 'dark, narrow')
    await page.clock.install()
    await enterKey(page, origin, 'dso', district.keys.dso)
    const panel = page.getByRole('region', { name: 'Standing by' })
    await panel.getByText('5.0\u202fkW', { exact: true }).waitFor()
    await panel.getByText('€0.02 per kWh', { exact: true }).waitFor()
    await panel.getByText('Nothing has been activated.').waitFor()
    await panel.getByText('Activate now').click()
    const button = panel.getByRole('button', { name: 'Activate …' })

    // 18:00 is the window's start: 17:59 is none of it, and 18:10:10 not on the raster.
    await panel.getByLabel('From', { exact: true }).fill('17:59')
    await panel.getByLabel('Until', { exact: true }).fill('18:10:10')
    await panel.getByLabel('Watts', { exact: true }).fill('lots')
    await button.click()
    await panel.getByText(/^Choose a time between 18:03:[03]0 and 18:30:00/).waitFor()
    await panel.getByText(/^Choose a time after the start/).waitFor()
    await panel.getByText('Enter whole watts, or nothing').waitFor()

    await panel.getByLabel('From', { exact: true }).fill('18:05')
    await panel.getByLabel('Until', { exact: true }).fill('18:15')
    await panel.getByLabel('Watts', { exact: true }).fill('7000')
    await button.click()
    const question = panel.getByRole('region', { name: 'Activate it?' })
    await question.getByText(/^Activate 7.0.kW from 18:05:00 to 18:15:00\?/).waitFor()
    // The focus stands on the harmless one.
    const keep = question.getByRole('button', { name: 'Leave it standing by' })
    expect(await keep.evaluate((one) => one === document.activeElement)).toBe(true)
    await question.getByRole('button', { name: 'Yes, activate it' }).click()
    await question.getByText(/at most the 5000 W that are held/).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await keep.click()
    expect((await call()).activations).toEqual([])

    await panel.getByLabel('Watts', { exact: true }).fill('1,400')
    await button.click()
    await question.getByRole('button', { name: 'Yes, activate it' }).click()
    await panel.getByText('to come').waitFor()
    expect((await call()).activations).toMatchObject([{ powerW: 1400 }])

    await district.passTo(4080)
    await page.clock.fastForward(10_000) // in the window it reads again by itself, not by an event
    await panel.getByText('running').waitFor()
    const [{ deliveredWh, orderedWh }] = (await call()).activations
    expect(orderedWh).toBeGreaterThan(deliveredWh)
    expect(deliveredWh).toBeGreaterThan(0)
    await panel.getByText(`${deliveredWh}\u202fWh delivered of ${orderedWh}\u202fWh`).waitFor()
    expect(await faultsOf(page)).toEqual([])
    expect(faults).toEqual([])

    await heldOnLikeDays(district)
    const wide = await openTab(browser, origin, 'light, wide')
    await enterKey(wide.page, origin, 'dso', district.keys.dso)
    await wide.page.getByText('Delivered of the activation').waitFor()
    await wide.page.getByText('Activate now').click()
    expect(await faultsOf(wide.page)).toEqual([])
    const forecast = wide.page.getByRole('region', { name: 'What can be held next' })
    await forecast.getByText(/^Thu, 15 Jan 2026, 18:00–18:30/).waitFor()
    await forecast.getByRole('row', { name: /^Batteries 23.75.kW 23.75.kW 23.75.kW 9$/ }).waitFor()
    await forecast.getByText(/Fewer than five devices: not shown/).waitFor()
    expect(await forecast.getByRole('row').count()).toBe(2)
    expect(wide.faults).toEqual([])
  }, 180_000)
})

/** Five batteries at 45 % on nine working days: 2.5 kWh above reserve, less 5 %, for half an hour. */
async function heldOnLikeDays({ service }: District): Promise<void> {
  const { store } = service.ports
  const one = await store.transaction((tx) => tx.resources.find(resourceId('battery-1')))
  if (one === null) throw new Error('there is no battery-1')
  const ids = [1, 5, 6, 7, 8].map((i) => resourceId(`battery-${i}`))
  for (const id of ids.slice(1)) {
    const connection = { protocol: 'simulated', address: id } as const
    await store.transaction((tx) => tx.resources.save({ ...one, id, connection }))
  }
  const days = [1, 2, 5, 6, 7, 8, 9, 12, 13].toReversed()
  const readings = ids.flatMap((id) =>
    days.flatMap((back) =>
      [3600, 4500, 5400].map((seconds) => {
        const at = addSeconds(WINDOW_START, seconds - back * 86_400)
        return { resourceId: id, at, powerW: 0, registerWh: 0, socBp: 4_500 }
      }),
    ),
  )
  await recordTelemetry(service.ports, readings)
}
