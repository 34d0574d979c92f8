import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { formatEuros, forReader } from '#dashboards/format.ts'
import { faultsOf } from './axe.ts'
import {
  closeAll,
  describePages,
  enterKey,
  launch,
  openTab,
  type Role,
  type Tab,
  untilLive,
} from './browser.ts'
import { type District, startDistrict } from './district.ts'

/** The same call as an owner and the aggregators follow it. */
describePages('the pages of aggregators and owners', (executablePath) => {
  let district: District
  let browser: Browser
  let id: string
  const tabs: Tab[] = []

  beforeAll(async () => {
    district = await startDistrict()
    browser = await launch(executablePath)
    await district.passTo(-600)
    id = await district.request([14_000, 12_000])
    await district.passTo(-300)
    await district.accept(id)
    await district.passTo(-30)
  }, 120_000)
  afterEach(() => closeAll(tabs))
  afterAll(async () => {
    await browser?.close()
    await district?.stop()
  })

  const open = async (role: Role, key: string) => {
    const origin = district.service.url
    const tab = await openTab(browser, origin, 'light, narrow')
    tabs.push(tab)
    await enterKey(tab.page, origin, role, key)
    await untilLive(tab.page)
    return tab.page
  }
  const limits = async (id: string) => {
    const sent = { key: district.keys.anna }
    return (await district.service.send('GET', `/v1/resources/${id}/limits`, sent)).body
  }
  const everything = (text: string | null) => (text ?? '').replaceAll(/\s+/g, ' ')

  test('before the window an owner’s page knows of no call', async () => {
    const page = await open('owner', district.keys.anna)
    await page.getByText('Nothing is asked of them.').waitFor()
    expect(await page.content()).not.toMatch(new RegExp(`${id}|17:00|17:30`))
  })

  test('in the window the owner reads what is asked and what was measured', async () => {
    const page = await open('owner', district.keys.anna)
    await page.getByText('Nothing is asked of them.').waitFor()
    await district.passTo(1140)
    await page.getByText('Your devices use less for the grid until 17:30').waitFor()
    await page.getByText(/Measured since 17:15: .* less than usual/).waitFor()
    await page.getByText('charger-2 did not follow what was asked').waitFor()
    await page.getByText('by its meter it did not do what was asked of it').waitFor()
    expect(await page.locator('#page').textContent()).not.toContain('battery')
  })

  test('an aggregator sees its own resources, who failed and why, and no others', async () => {
    const page = await open('aggregator', district.keys.agg)
    const resources = page.getByRole('region', { name: 'All resources' })
    await resources.getByText('Never connected').waitFor()
    await resources.getByText('Failed at 17:01').waitFor()
    const rows = await resources.getByRole('listitem').allTextContents()
    expect(rows).toHaveLength(5)
    expect(rows[0]).toContain('charger-anna') // trouble comes first
    await page.getByText('charger-2 accepted its setpoint but did not follow it').waitFor()
    const honest = everything(
      await resources
        .getByText(/^Told 0\sW at 17:00:00/)
        .first()
        .textContent(),
    )
    expect(honest).toMatch(
      /→ acknowledged at 17:00:00 → in force at 17:00:00 → metered 0\sW at 17:00:30$/,
    )
    expect(await page.locator('#page').textContent()).not.toContain('battery')
    const other = await open('aggregator', district.keys.otherAgg)
    await other.getByRole('region', { name: 'All resources' }).getByText('battery-1').waitFor()
    expect(await other.locator('#page').textContent()).not.toContain('charger')
  })

  test('an owner says what stays and when a car is ready, and is told what is no figure', async () => {
    const page = await open('owner', district.keys.anna)
    await page.getByText('What you keep of charger-4').click()
    const ready = page.locator('#ready-charger-4')
    await ready.fill('half past six')
    await page.locator('#energy-charger-4').fill('12,5')
    await page.locator('form:has(#ready-charger-4) button').click()
    await page.getByText('A time of the day such as 06:30.').waitFor()
    expect(await ready.getAttribute('aria-invalid')).toBe('true')
    await ready.fill('06:30')
    await page.keyboard.press('Enter')
    await page.getByText('Saved. It holds from now on.').waitFor()
    expect((await limits('charger-4')).readyBy).toEqual({ minuteOfDay: 390, energyWh: 12_500 })
    expect(await faultsOf(page)).toEqual([])
  })

  test('full power is asked at a cost that is read before, and withdrawn consent is given again', async () => {
    const page = await open('owner', district.keys.anna)
    const device = page.locator('section[aria-labelledby="devices"] li', { hasText: 'charger-1,' })
    await device.getByText('It helps the grid at the moment.').waitFor()
    await device.getByRole('button', { name: 'Full power now' }).click()
    const path = '/v1/resources/charger-1/charge-now'
    const { body } = await district.service.send('GET', path, { key: district.keys.anna })
    expect(BigInt(body.costMinor)).toBeGreaterThan(0n)
    await device.getByText(everything(body.sentence)).waitFor()
    await device.getByText(formatEuros(body.costMinor)).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.keyboard.press('Enter') // the focus stands on the harmless one
    expect((await limits('charger-1')).chargeNow).toBeNull()
    await device.getByRole('button', { name: 'Full power now' }).click()
    await device.getByLabel('For how long').selectOption('3')
    await device.getByRole('button', { name: 'Yes, full power' }).click()
    await device.getByText('It has full power until 20:19, as you wish.').waitFor()
    await device.getByRole('button', { name: 'No more full power' }).click()
    await device.getByRole('button', { name: 'Full power now' }).waitFor()

    await device.getByRole('button', { name: 'Withdraw my consent' }).click()
    await device.getByText('From now on nobody tells it anything').waitFor()
    await device.getByRole('button', { name: 'Yes, withdraw it' }).click()
    await device.getByText('You have withdrawn your consent').waitFor()
    expect((await limits('charger-1')).consent.withdrawnAt).toBe('2026-01-14T16:19:00Z')
    await device.getByRole('button', { name: 'Give my consent again' }).click()
    await expect.poll(async () => (await limits('charger-1')).consent.withdrawnAt).toBeNull()
  })

  test('a battery is kept for its owner, at a cost that is read before, and given back', async () => {
    const page = await open('owner', district.keys.bert)
    const device = page.locator('section[aria-labelledby="devices"] li', { hasText: 'battery-3,' })
    await device.getByRole('button', { name: 'Keep it for me now' }).click()
    await device.getByText('It takes part in nothing for that time, and runs as usual.').waitFor()
    await device.getByText('It costs nothing.').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await device.getByRole('button', { name: 'Yes, keep it for me' }).click()
    await device.getByText('It is kept for you until 18:19, as you wish.').waitFor()
    const sent = { key: district.keys.bert }
    const { body } = await district.service.send('GET', '/v1/resources/battery-3/limits', sent)
    expect(body.lease).toMatchObject({ holder: 'owner', until: '2026-01-14T17:19:00Z' })
    await device.getByRole('button', { name: 'No longer keep it for me' }).click()
    await device.getByRole('button', { name: 'Keep it for me now' }).waitFor()
  })

  test('an aggregator ties an offer to conditions, and is told at the field what is no figure', async () => {
    const page = await open('aggregator', district.keys.agg)
    await page.getByLabel('Conditions of the offer, charger-4').click()
    const form = page.locator('form:has(#noticeSeconds-charger-4)')
    const calls = form.getByLabel('Calls a day, at most')
    await form.getByLabel('Minutes of notice it needs').fill('30')
    await calls.fill('0')
    await form.getByRole('button', { name: 'Save' }).click()
    await form.getByText('A figure from 1 to 96, without a fraction.').waitFor()
    expect(await calls.getAttribute('aria-invalid')).toBe('true')
    expect(await calls.evaluate((input) => input === document.activeElement)).toBe(true)
    expect(await faultsOf(page)).toEqual([])
    await calls.fill('2')
    await form.getByLabel('How much of it may be asked for').selectOption('all')
    await page.keyboard.press('Tab')
    await form.getByRole('button', { name: 'Save' }).click()
    await form.getByText('Saved. It holds for calls whose gate closes from now on.').waitFor()
    const told = 'Now: 30 min of notice, at most 2 calls a day, all it can or nothing.'
    await page.getByText(told).waitFor()
    const sent = { key: district.keys.agg }
    const { body } = await district.service.send('GET', '/v1/resources/charger-4', sent)
    const conditions = { noticeSeconds: 1800, callsPerDayMax: 2, allOrNothing: true }
    expect(body.offer).toMatchObject({ conditions, fromMinute: 0, untilMinute: 1440 })
  })

  test('paid, the owner reads how much, why, and what reached the account', async () => {
    await district.passTo(4200)
    const page = await open('owner', district.keys.anna)
    const { key } = { key: district.keys.anna }
    const { body } = await district.service.send('GET', '/v1/owner/earnings', { key })
    await page.getByText('Paid in payout 1').first().waitFor()
    const shown = everything(await page.locator('#page').textContent())
    expect(shown).toContain(formatEuros(body.totalMinor))
    for (const { sentence, minor } of body.lines) {
      expect(shown).toContain(everything(forReader(sentence, 'Europe/Amsterdam')))
      expect(shown).toContain(formatEuros(minor))
    }
    const why = (await district.service.send('GET', '/v1/owner/decisions', { key })).body
    expect(why).toHaveLength(5)
    for (const { sentence } of why) expect(shown).toContain(everything(sentence))
    const { paidCents, carriedMinor } = body.lines[0].receipt
    expect(shown).toContain(`€0.${paidCents} went to your bank account`)
    expect(shown).toContain(`${formatEuros(carriedMinor)} is kept for you`)
    expect(shown.match(/went to your bank account/g)).toHaveLength(1)
    const kept = page.waitForEvent('download')
    await page.getByRole('button', { name: 'What you earned and why as PDF' }).click()
    expect((await kept).suggestedFilename()).toMatch(/^earnings-.+-2026-01\.pdf$/)
  }, 60_000)

  test('paid, the aggregator reads its share', async () => {
    const page = await open('aggregator', district.keys.agg)
    const sent = { key: district.keys.agg }
    const { body } = await district.service.send('GET', '/v1/aggregator/earnings', sent)
    expect(BigInt(body.totalMinor)).toBeGreaterThan(0n)
    const share = page.locator('section[aria-labelledby="earnings"]')
    await expect.poll(() => share.textContent()).toContain(formatEuros(body.totalMinor))
    for (const { minor } of body.lines) {
      expect(await share.textContent()).toContain(formatEuros(minor))
    }
  })
})
