import AxeBuilder from '@axe-core/playwright'
import type { Page } from 'playwright-core'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Only what is wrong is read: not what is right, nor where on the page an element is found. */
const OPTIONS = { resultTypes: ['violations' as const], selectors: false }

/** One line per violation, with the element that has it; and how much does not fit. */
export async function faultsOf(page: Page): Promise<string[]> {
  // Without frames of others on the page axe needs no second page to bring results together.
  const axe = new AxeBuilder({ page }).options(OPTIONS).withTags(TAGS).setLegacyMode()
  const { violations } = await axe.analyze()
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`),
  )
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  return over > 0 ? [...found, `${over} px wider than the screen`] : found
}
