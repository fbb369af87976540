import { mkdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { isObject } from '../../../lib/base/json.ts'
import { browserAbsent, SCREENSHOTS, usePage } from '../../support/page.ts'

const { stack, page, errors, press, go, opened, fileRow } = usePage()

/** Each view, and how it is reached; an event is shown with all of it unfolded. */
const VIEWS: Readonly<Record<string, () => Promise<unknown>>> = {
  first: () => page.evaluate("location.hash = '#deliveries'"),
  event: () => showEvent(),
  refused: () => showEvent('refused'),
  box: () => page.evaluate("location.hash = '#box'"),
  queue: () => go('Queue'),
  send: () => go('Send'),
}

async function showEvent(status = ''): Promise<void> {
  const { eventId = '' } =
    stack.journal.events.find(({ deliveries }) =>
      status === 'refused' ? deliveries.some(one => one.status === 401) : deliveries.length === 1,
    ) ?? {}
  await page.evaluate(`location.hash = '#deliveries/${eventId}'`)
  await page.locator('#details-id', { hasText: eventId }).waitFor()
  const folded = page.locator('#details details:not([open]) > summary')
  while ((await folded.count()) > 0) await folded.first().click()
}

describe.skipIf(browserAbsent)('how the page looks and is reached', () => {
  test('with the keyboard alone: download a file, open its event, send it again, go back', async () => {
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement?.textContent?.trim() || document.activeElement?.className || ''",
      )
    const tabTo = async (name: string): Promise<void> => {
      for (let turn = 0; turn < 120 && (await focused()) !== name; turn += 1) await page.keyboard.press('Tab')
      expect(await focused()).toBe(name)
      const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')
      expect(outline, name).not.toBe('none')
    }
    await fileRow('contract.pdf').getByText('shared link').waitFor()
    await tabTo('Download')
    await page.keyboard.press('Enter')
    await fileRow('contract.pdf').getByText('no link').waitFor()
    await page.locator('.row', { hasText: 'FILE.DOWNLOADED' }).getByText('done').waitFor()
    await page.locator('#filter-text').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Home')
    await page.keyboard.press('Enter')
    await opened('done')
    await tabTo('Deliver again')
    await page.keyboard.press('Space')
    await page.locator('#timeline li', { hasText: 'event duplicate' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('#details').waitFor({ state: 'detached' })
  })

  test('there are an accepted, a failed and a forged delivery to look at', async () => {
    await press('Bad signature')
    await page.locator('.row', { hasText: 'refused' }).first().waitFor()
    await press('Fail for good')
    await opened('dead')
    expect(await page.locator('.timeline .span.bad').count()).toBeGreaterThan(0)
  })

  describe.each(['light', 'dark'] as const)('%s', colorScheme => {
    test.each([1280, 390])('fits %i px, and every text is readable on what it stands on', async width => {
      await mkdir(SCREENSHOTS, { recursive: true })
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      for (const [view, show] of Object.entries(VIEWS)) {
        await show()
        await page.waitForLoadState('networkidle').catch(() => {})
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(overflow, `${view} at ${width}`).toBeLessThanOrEqual(0)
        const { texts, poor } = await contrasts()
        expect(texts, view).toBeGreaterThan(10)
        expect(poor, `${view} at ${width}, ${colorScheme}`).toEqual([])
        await page.screenshot({ path: `${SCREENSHOTS}/${view}-${width}-${colorScheme}.png`, fullPage: true })
      }
    })
  })

  test('and nothing went wrong in it', () => expect(errors).toEqual([]))
})

/** What of the page is harder to see than WCAG's level AA allows, and how many texts were looked at. */
async function contrasts(): Promise<{ texts: number; poor: readonly unknown[] }> {
  const found: unknown = await page.evaluate(CONTRASTS)
  if (!isObject(found) || !Array.isArray(found.poor)) throw new Error('The page told no contrasts.')
  return { texts: Number(found.texts), poor: found.poor }
}

/**
 * Run in the page: each text in sight against the ground that it stands on (4.5, or 3 where it is large), each control's border
 * and each bar of the timeline against what is around it (3).
 * @see https://www.w3.org/TR/WCAG22/#contrast-minimum
 */
const CONTRASTS = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const luminance = color => {
    const [r, g, b] = rgba(color).map(v => v / 255).map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (one, other) => {
    const [a, b] = [luminance(one), luminance(other)].sort((x, y) => y - x)
    return (a + 0.05) / (b + 0.05)
  }
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at)
      if (rgba(backgroundColor)[3] === 255) return backgroundColor
    }
    return 'white'
  }
  const poor = []
  let texts = 0
  const check = (element, what, color, on, least) => {
    const found = contrast(color, on)
    if (found < least) poor.push(what + ' ' + found.toFixed(2) + ': ' + (element.textContent || element.className).trim().slice(0, 40))
  }
  for (const element of document.body.querySelectorAll('*')) {
    if (!element.checkVisibility({ visibilityProperty: true }) || element.matches(':disabled')) continue
    const style = getComputedStyle(element)
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
    if (own || element.matches('input, select, textarea')) {
      texts += 1
      const size = parseFloat(style.fontSize)
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
      check(element, 'text', style.color, ground(element), large ? 3 : 4.5)
    }
    const bordered = element.matches('button, input[type=text], input[type=search], select, textarea')
    if (bordered && parseFloat(style.borderTopWidth) > 0)
      check(element, 'border', style.borderTopColor, ground(element.parentElement), 3)
    if (element.matches('.track .span')) check(element, 'bar', style.backgroundColor, ground(element.parentElement), 3)
  }
  return { texts, poor }
})()`
