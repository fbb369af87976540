import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stack, startStack } from '../local/stack.ts'
import { boxEvent, signedDelivery } from './kit.ts'
import { packagedLocal } from './packaged.ts'
import { onlySamples } from './samples.ts'

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const absent = !existsSync(executablePath)
if (absent) console.warn(`There is no ${executablePath}: the page is not tested. Set CHROMIUM_PATH.`)

const SCREENSHOTS = '.boxhooks/screenshots'
const EVIL = '<img src=x onerror=document.title="broken">.txt'
let stack: Stack
let removeSamples: (() => Promise<void>) | undefined
let browser: Browser
let page: Page
const errors: string[] = []

beforeAll(async () => {
  if (absent) return
  stack = await startStack({ port: 0, packaged: await packagedLocal() })
  removeSamples = await onlySamples(stack)
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
  browser = await chromium.launch({ executablePath, args })
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  page.on('pageerror', error => errors.push(error.message))
  await page.goto(stack.url)
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
  await removeSamples?.()
})

describe.skipIf(absent)('the page', () => {
  const row = (name: string) => page.locator('#files li', { hasText: name }).first()

  test('a download is shown from delivery to done, and the link goes', async () => {
    const file = row('contract.pdf in Review')
    await file.getByText('shared link').waitFor()
    await file.getByRole('button', { name: 'Download' }).click()
    await page.locator('#events tr', { hasText: 'FILE.DOWNLOADED' }).locator('.done').waitFor()
    await file.getByText('no link').waitFor()
    await page.locator('#events').getByRole('button', { name: 'FILE.DOWNLOADED' }).first().click()
    await page
      .locator('#runs', { hasText: 'remove-shared-link-after-download: done after 1 attempt' })
      .waitFor()
    const timeline = await page.locator('#timeline').textContent()
    for (const step of [
      'delivered by Box',
      'verified with the primary key, and queued',
      'answered 202 accepted',
      'run started, attempt 1',
      'PUT /2.0/files',
      'event finished',
    ])
      expect(timeline).toContain(step)
    await page.locator('#calls', { hasText: /PUT \/2\.0\/files\/\d+ → 200 \d+ ms/ }).waitFor()
    await page.locator('#events tr.opened', { hasText: 'contract.pdf' }).locator('.answer').waitFor()
  })

  test('a delivery opens to its headers, its body and its answer, and stays open', async () => {
    await page.locator('#deliveries summary').first().click()
    const delivery = page.locator('#deliveries details[open]')
    for (const text of ['box-signature-primary: ', '"trigger": "FILE.DOWNLOADED"', '"code": "accepted"'])
      await delivery.locator('pre', { hasText: text }).waitFor()
    await page.getByRole('button', { name: 'Upload a file' }).click()
    await page
      .locator('#events tr', { hasText: /FILE\.UPLOADED.*report/ })
      .first()
      .waitFor()
    expect(await delivery.count()).toBe(1)
  })

  test('an invited outsider is shown, and is gone again', async () => {
    const outsider = page.locator('#collaborations', { hasText: 'ellis@elsewhere.example' })
    await page.getByRole('button', { name: 'Invite an outsider' }).click()
    await page.locator('#events tr', { hasText: 'COLLABORATION.CREATED' }).locator('.done').first().waitFor()
    await outsider.waitFor({ state: 'detached' })
  })

  test('“Deliver again” shows that nothing is done twice', async () => {
    await page.getByRole('button', { name: 'Deliver again' }).click()
    await page.locator('#timeline', { hasText: 'event duplicate' }).waitFor()
    expect(await page.locator('#timeline li', { hasText: 'run started' }).count()).toBe(1)
  })

  test('“Forge a delivery” shows the refusal', async () => {
    const refused = page.locator('#events tr', { hasText: '401 last of' }).first()
    // On a machine that is too busy to read the keys in time the answer is 503, and not yet the refusal.
    await expect
      .poll(
        async () => {
          await page.getByRole('button', { name: 'Forge a delivery' }).click()
          return refused.waitFor({ timeout: 3000 }).then(
            () => true,
            () => false,
          )
        },
        { timeout: 18_000 },
      )
      .toBe(true)
  })

  test('what can’t be done is said', async () => {
    const { body, headers } = signedDelivery(boxEvent('FILE.LOCKED', { id: 'by-hand' }), stack.keys)
    await fetch(stack.webhookUrl, { method: 'POST', headers, body: Uint8Array.from(body) })
    await page.locator('#events').getByRole('button', { name: 'FILE.LOCKED' }).click()
    await page.locator('#details-id', { hasText: 'by-hand' }).waitFor()
    await page.getByRole('button', { name: 'Deliver again' }).click()
    await page.locator('#message', { hasText: 'not kept any more' }).waitFor()
    await page.locator('#events').getByRole('button', { name: 'FILE.DOWNLOADED' }).first().click()
  })

  test('a file whose name is markup is shown as text', async () => {
    stack.box.content.uploadFile({ parentId: '100001', name: EVIL, content: 'x' })
    await page.locator('#events tr', { hasText: 'onerror' }).first().waitFor()
    expect(await page.locator('#events img, #files img').count()).toBe(0)
    expect(await page.title()).toBe('boxhooks')
  })

  test('fits a phone and a desk, without errors', async () => {
    await mkdir(SCREENSHOTS, { recursive: true })
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1280, 390]) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 900 })
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(overflow).toBeLessThanOrEqual(0)
        await page.screenshot({ path: `${SCREENSHOTS}/page-${width}-${colorScheme}.png`, fullPage: true })
      }
    expect(errors).toEqual([])
  })
})
