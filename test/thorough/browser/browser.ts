import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

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
