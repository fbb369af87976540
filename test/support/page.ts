import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { vi } from 'vitest'
import type { Stack, StackOptions } from '../../local/stack.ts'
import { useStack } from './stack.ts'
import { useStarted } from './started.ts'

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** Whether there is no browser to look at the page with; says so where there is none. */
export const browserAbsent = !existsSync(executablePath)
if (browserAbsent) console.warn(`There is no ${executablePath}: the page is not tested. Set CHROMIUM_PATH.`)

/** Where pictures of the page are kept, for whoever wants to see it. */
export const SCREENSHOTS = '.boxhooks/screenshots'

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })

/** Opens the page of a stack as a person at a desk would; whatever goes wrong in it ends up in `errors`. */
export async function openPage(
  browser: Browser,
  { url }: Pick<Stack, 'url'>,
  errors: string[],
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], {
    origin: new URL(url).origin,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(40_000)
  page.on('pageerror', error => errors.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' && !message.text().includes('400 (Bad Request)'))
      errors.push(message.text())
  })
  await page.goto(url)
  return page
}

/** What a person does on the page, and looks at. */
const hands = (page: () => Page) => ({
  press: (name: string | RegExp) =>
    page()
      .getByRole('button', { name, exact: typeof name === 'string' })
      .first()
      .click(),
  go: (name: string) => page().getByRole('link', { name, exact: true }).click(),
  message: (text: string | RegExp) => page().locator('#message', { hasText: text }).waitFor(),
  saysLater: (text: string | RegExp) =>
    page().locator('#message', { hasText: text }).waitFor({ timeout: 200_000 }),
  rows: (text: string) => page().locator('.row', { hasText: text }),
  step: (text: string | RegExp) => page().locator('#timeline li', { hasText: text }),
  opened: (status: string) => page().locator('#details-title .chip', { hasText: status }).waitFor(),
  fileRow: (name: string) => page().locator('#files > li', { hasText: name }).first(),
  /** Shows what can be done to a file. */
  async select(name: string): Promise<void> {
    const more = page().getByRole('button', { name: `More of ${name}` })
    if ((await more.getAttribute('aria-expanded')) !== 'true') await more.click()
  },
  /** Fills in the form of a doing, and sends it. */
  async fill(doing: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const form = page().getByRole('form', { name: doing, exact: true })
    for (const [label, value] of Object.entries(fields)) {
      const field = form.getByLabel(label, { exact: true })
      if ((await field.evaluate(element => element.tagName)) === 'SELECT') await field.selectOption(value)
      else await field.fill(value)
    }
    await form.getByRole('button', { name: doing, exact: true }).click()
  },
})

/** The page of a stack of its own, open for all tests of a file; whatever goes wrong in it ends up in `errors`. */
export function usePage(options?: StackOptions) {
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })
  const errors: string[] = []
  const stack = useStack(options)
  const page = useStarted(
    async () => openPage(await launchBrowser(), stack, errors),
    async opened => opened.context().browser()?.close(),
  )
  return { stack, page, errors, ...hands(() => page) }
}
