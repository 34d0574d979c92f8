/** docs/payouts-and-statements.md: its commands as they stand there, against a service of its own. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../support/imports.ts'
import { paidEpoch } from '../support/paid-epoch.ts'
import { pdfText } from '../support/pdf-text.ts'
import { shellBlocks } from '../support/walk-through.ts'
import { aTown, IBANS, type Service, startService } from './service.ts'

const page = readFileSync(join(root, 'docs', 'payouts-and-statements.md'), 'utf8')

let service: Service
let said = ''
const folder = mkdtempSync(join(tmpdir(), 'gridcall-payouts-'))
const read = (name: string) => readFileSync(join(folder, name))

beforeAll(async () => {
  service = await startService()
  const { keys } = await aTown(service)
  await paidEpoch(service.ports, [['anna', 612_345n]])
  // The page's own lines; only what installs and updates before each of them is left out.
  const npm = `npm() { shift 4; "${process.execPath}" orchestrator/cli.ts "$@"; }`
  const script = [npm, ...shellBlocks(page).map(({ text }) => text)].join('\n')
  const { anna: OWNER, agent: AGENT, dso: DSO, operator: OPERATOR } = keys
  const env = { ...process.env, WALK: folder, GRIDCALL_API_URL: service.url }
  const options = { cwd: root, env: { ...env, OWNER, AGENT, DSO, OPERATOR }, timeout: 60_000 }
  said = (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], options)).stdout
}, 60_000)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await service.stop()
})

test('its commands pay, take back, choose, erase and rotate', () => {
  expect(read('pain001.xml').toString()).toContain(`<IBAN>${IBANS.anna}</IBAN>`)
  expect(said).toContain('"state":"returned","reason":"AC04"')
  expect(said).toContain('0.612345 EUR is kept on your account until you name another bank account')
  expect(said).toMatch(/[1-9] bank accounts are sealed under key [0-9a-z-]+ now/)
  expect(said).not.toContain(IBANS.anna)
})

test('its papers are written, and the books agree', () => {
  expect(read('owner.csv').toString()).toContain('total')
  expect(pdfText(read('owner.pdf'))).toContain('What your devices earned in 2026-01')
  expect(pdfText(read('invoice.pdf'))).toContain('Invoice and credit note of 2026-01')
  expect(read('books.csv').toString()).toMatch(/payout 1,0\.612345,0\.612345,0\.612345,0\.00/)
})

test('every route that it names is in the document', async () => {
  const { body } = await service.send('GET', '/openapi.json')
  const paths = Object.keys(body.paths).map((path) => path.replaceAll(/\{\w+\}/g, 'X'))
  const named = [...page.matchAll(/\/v1\/[\w/$-]+/g)].map(([path]) =>
    path.replaceAll(/\bID\b|\$PAYMENT|(?<=epochs\/)1/g, 'X'),
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((path) => !paths.includes(path))).toEqual([])
})
