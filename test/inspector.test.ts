import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stack, startStack } from '../local/stack.ts'
import { packagedLocal } from './packaged.ts'

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const absent = !existsSync(executablePath)
if (absent) console.warn(`There is no ${executablePath}: the page is not tested. Set CHROMIUM_PATH.`)

const SCREENSHOTS = '.boxhooks/screenshots'
const EVIL = '<img src=x onerror=document.title="broken">.txt'
let stack: Stack
let browser: Browser
let page: Page
const errors: string[] = []

beforeAll(async () => {
  if (absent) return
  stack = await startStack({ port: 0, packaged: await packagedLocal() })
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
  browser = await chromium.launch({ executablePath, args })
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  page.on('pageerror', error => errors.push(error.message))
  await page.goto(stack.url)
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
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
      'delivered',
      'matched the primary key',
      'run started',
      'PUT /2.0/files',
      'event finished',
    ])
      expect(timeline).toContain(step)
  })

  test('“Deliver again” shows that nothing is done twice', async () => {
    await page.getByRole('button', { name: 'Deliver again' }).click()
    await page.locator('#timeline', { hasText: 'event duplicate' }).waitFor()
    expect(await page.locator('#timeline li', { hasText: 'run started' }).count()).toBe(1)
  })

  test('“Forge a delivery” shows the refusal', async () => {
    await page.getByRole('button', { name: 'Forge a delivery' }).click()
    await page.locator('#events tr', { hasText: 'last 401' }).first().waitFor()
  })

  test('a file whose name is markup is shown as text', async () => {
    stack.box.content.uploadFile({ parentId: '100001', name: EVIL, content: 'x' })
    await page.locator('#events tr', { hasText: 'onerror' }).first().waitFor()
    expect(await page.locator('#events img, #files img').count()).toBe(0)
    expect(await page.title()).toBe('boxhooks')
  })

  test('fits a phone and a desk, without errors', async () => {
    await mkdir(SCREENSHOTS, { recursive: true })
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 })
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(overflow).toBeLessThanOrEqual(0)
      await page.screenshot({ path: `${SCREENSHOTS}/page-${width}.png`, fullPage: true })
    }
    expect(errors).toEqual([])
  })
})
