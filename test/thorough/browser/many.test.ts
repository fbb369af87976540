import { beforeAll, describe, expect, test } from 'vitest'
import { browserAbsent, usePage } from '../../support/page.ts'

const MANY = 5000

const { stack, page } = usePage()
beforeAll(async () => {
  for (let nth = 0; nth < MANY; nth += 1) stack.journal.attempt(attempt(nth))
  await page.reload()
})

const AT = Date.parse('2026-11-23T10:00:00Z')
const FILLER = 'x'.repeat(1500)

const attempt = (nth: number) => ({
  eventId: `event-${nth}`,
  trigger: nth % 2 === 0 ? 'FILE.DOWNLOADED' : 'FILE.UPLOADED',
  webhookId: '1',
  deliveryId: `delivery-${nth}`,
  attempt: 1,
  sentAt: AT + nth,
  ms: 5,
  address: 'http://localhost/box/webhook',
  headers: { 'box-delivery-id': `delivery-${nth}` },
  body: Buffer.from(
    JSON.stringify({ id: `event-${nth}`, source: { name: `file ${nth}.pdf` }, filler: FILLER }),
  ),
  status: 202,
  answer: '{"code":"accepted"}',
  nextAttemptAt: undefined,
})

/** How long the page takes to do something and to have drawn it, in milliseconds: the best of five tries, for others work here too. */
const measured = (doing: string): Promise<number> =>
  page.evaluate(`(async () => {
    const frame = () => new Promise(resolve => requestAnimationFrame(resolve))
    const taken = []
    for (let turn = 0; turn < 5; turn += 1) {
      await frame()
      const begun = performance.now()
      ${doing}
      await frame()
      document.body.offsetHeight
      taken.push(performance.now() - begun)
    }
    return Math.min(...taken)
  })()`)

describe.skipIf(browserAbsent)(`with ${MANY} deliveries`, () => {
  test('the list has them all, but draws only those in sight', async () => {
    await page.locator('#count', { hasText: `${MANY} deliveries` }).waitFor()
    expect(await page.locator('.row').count()).toBeLessThan(60)
    await page.locator('.row', { hasText: `file ${MANY - 1}.pdf` }).waitFor()
    await page.locator('.rows').focus()
    await page.keyboard.press('End')
    await page.locator('.row', { hasText: 'file 0.pdf' }).waitFor()
  })

  test('scrolling and filtering are drawn within 100 ms', async () => {
    const rows = "document.querySelector('.rows')"
    const scrolling = await measured(`${rows}.scrollTop = turn * 30_000`)
    const text = "document.querySelector('#filter-text')"
    const filtering = await measured(
      `${text}.value = 'file ' + turn; ${text}.dispatchEvent(new Event('input', { bubbles: true }))`,
    )
    console.log(
      `${MANY} deliveries: scrolling ${scrolling.toFixed(1)} ms, filtering ${filtering.toFixed(1)} ms`,
    )
    expect(scrolling).toBeLessThan(100)
    expect(filtering).toBeLessThan(100)
    await page.locator('#filter-text').fill('file 4999.pdf')
    await page.locator('#count', { hasText: `1 of ${MANY} deliveries` }).waitFor()
    await page.locator('#filter-text').fill('')
  })

  test('the oldest are forgotten beyond the cap, by the stack and by the page', async () => {
    for (let nth = MANY; nth < MANY + 700; nth += 1) stack.journal.attempt(attempt(nth))
    await page.locator('.rows').evaluate(element => {
      element.scrollTop = 0
    })
    await page.locator('.row', { hasText: `file ${MANY + 699}.pdf` }).waitFor()
    await page.locator('#count', { hasText: `${MANY} deliveries` }).waitFor()
    expect(stack.journal.events).toHaveLength(MANY)
    expect(stack.journal.event('event-699')).toBeUndefined()
    expect(stack.journal.event('event-700')).toBeDefined()
  })
})
