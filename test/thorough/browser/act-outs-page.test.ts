import { describe, expect, test } from 'vitest'
import { browserAbsent, usePage } from '../../support/page.ts'

const { stack, page, errors, press, go, message, saysLater, rows, step, opened, fileRow, fill } = usePage()
const box = () => page.locator('.box')
const download = () => fileRow('contract.pdf').getByRole('button', { name: 'Download' }).click()
/** Downloads the contract, waits until its delivery is heard of, and opens its event. */
async function openDownload(): Promise<void> {
  const known = new Set(stack.journal.events.map(({ eventId }) => eventId))
  const made = () =>
    stack.journal.events.find(({ eventId, trigger }) => !known.has(eventId) && trigger === 'FILE.DOWNLOADED')
  await download()
  await expect.poll(made).toBeDefined()
  await page.evaluate(`location.hash = '#deliveries/${made()?.eventId}'`)
}

/**
 * Sends a delivery bent in one way, from the form, and gives back what the page says of it. On a machine that is too busy to read
 * the keys in time the answer is 503, as it would be to Box, which delivers again.
 */
async function sendBent(bend: string): Promise<string> {
  for (;;) {
    await go('Send')
    await expect.poll(() => page.locator('#send-body').inputValue()).toContain('FILE.DOWNLOADED')
    await page.locator('#send-bend').selectOption(bend)
    const close = page.getByRole('button', { name: 'Close the message' })
    if (await close.isVisible()) await close.click()
    await press('Send')
    await message('FILE.DOWNLOADED was sent, and answered')
    const told = (await page.locator('#message p').textContent()) ?? ''
    if (!told.includes('answered 503')) return told
    await go('Deliveries')
  }
}

describe.skipIf(browserAbsent)('what Box acts out at the press of a button', () => {
  test.each([
    ['secondary key only', '202', 'secondary matches our secondary key', 'passed with the secondary key'],
    ['primary key reset on Box', '202', 'primary matches none of our keys', 'passed with the secondary key'],
    ['keys swapped', '202', 'primary matches our secondary key', 'passed'],
    ['both keys reset on Box', '401', 'secondary matches none of our keys', 'refused: signature_mismatch'],
    ['forged', '401', 'primary matches none of our keys', 'refused: signature_mismatch'],
    ['clock half a minute ahead', '202', 's in the future, of at most', 'passed'],
    ['clock two minutes ahead', '401', 's in the future, of at most', 'refused: timestamp_in_future'],
    ['eleven minutes old', '401', 's old, of at most 600', 'refused: timestamp_too_old'],
    ['no signature', '400', 'box-signature-primary is missing', 'refused: header_missing'],
    ['body written anew', '401', 'primary matches none of our keys', 'refused: signature_mismatch'],
  ])('%s: answered %s, and the check says why', async (bend, status, rule, verdict) => {
    expect(await sendBent(bend)).toBe(`FILE.DOWNLOADED was sent, and answered ${status}.`)
    const card = page.locator('#deliveries details.delivery').first()
    await card.locator('summary').first().click()
    const steps = card.locator('.verdict')
    await steps.getByText(rule).first().waitFor()
    await steps.getByText(verdict).waitFor()
    await go('Deliveries')
  })

  test('an ended session: events come without payload, are recorded and run nothing', async () => {
    await press('End the app’s session')
    await box().getByText('events come without their payload').waitFor()
    await download()
    await rows('NO_ACTIVE_SESSION').first().click()
    await opened('done')
    await page.getByText('No automation has to do with this event').waitFor()
    await press('Begin it again')
    await box().getByText('events come without their payload').waitFor({ state: 'detached' })
  })

  test('reordered deliveries: the last comes first, and each is done', async () => {
    await press('Reorder the next deliveries …')
    await fill('Reorder the next deliveries', { 'How many': '2' })
    await download()
    await box().getByText('1 deliveries are kept back').waitFor()
    await press('Upload a file …')
    await fill('Upload a file', { Name: 'later.txt', Content: 'x' })
    await rows('later.txt').first().waitFor()
    await box().getByText('1 deliveries are kept back').waitFor({ state: 'detached' })
    const order = () => stack.journal.events.map(({ item, trigger }) => `${trigger} ${item}`)
    const [early, late] = ['FILE.DOWNLOADED contract.pdf', 'FILE.UPLOADED later.txt']
    await expect.poll(() => order().indexOf(late) - order().indexOf(early)).toBeGreaterThan(0)
    await rows('contract.pdf').first().getByText('done').waitFor()
  })

  test('lost attempts: Box tries again until the endpoint takes it, and the timeline has the wait', async () => {
    await press('Lose the next attempts …')
    await fill('Lose the next attempts', { 'How many': '2' })
    await box().getByText('2 attempts to deliver will get lost').waitFor()
    await download()
    await rows('undelivered').first().click()
    await opened('undelivered')
    await step('answered nothing').waitFor()
    for (const attempt of [2, 3]) {
      await box().getByText('1 deliveries wait to be tried again').waitFor()
      await press('Try again now')
      await step(`delivered by Box, attempt ${attempt}`).waitFor()
    }
    await opened('done')
    expect(await page.locator('#deliveries details.delivery').count()).toBe(3)
  })

  test.each([
    ['429', '2', 'done'],
    ['503', '1', 'done'],
    ['500', '', 'done'],
    ['409', '', 'dead'],
    ['403', '', 'dead'],
    ['404', '', 'done'],
    ['401', '', 'done'],
  ])('its API answers %s once, with Retry-After “%s”: the event ends %s', async (status, retryAfter, end) => {
    await press('Let the API fail …')
    await fill('Let the API fail', {
      Method: 'PUT',
      'Path, or how it begins': '/2.0/files',
      Answer: status,
      'Retry-After in seconds, if any': retryAfter,
      'How often (empty: until it is mended)': '1',
    })
    await box().getByText('Box’s API is set to fail.').waitFor()
    await openDownload()
    await step(`→ ${status}`).first().waitFor()
    if (status === '429') await step(/again in [2-4] s/).waitFor()
    await opened(end)
    await page.locator('#runs .calls', { hasText: `→ ${status}` }).waitFor()
    await press('Close')
  })

  test('a call that is never answered: the run ends with its time, and is tried again', async () => {
    await press('Let the API fail …')
    await fill('Let the API fail', { Method: 'PUT', Answer: 'timeout' })
    await openDownload()
    await step('run started, attempt 1').waitFor()
    await opened('running')
    await press('Restore the API')
    await press('Close')
  })

  test('a burst at a rate of one’s own: all are accepted, and all are done', async () => {
    await page.locator('.burst').getByLabel('Deliveries').fill('20')
    await page.locator('.burst').getByLabel('A second').fill('10')
    await press('Send at this rate')
    await saysLater(/20 of 20 deliveries were accepted in \d/)
    await page.locator('.burst').getByLabel('A second').fill('0')
    await press('Send at this rate')
    await message('A burst has from 1 to 10000 deliveries a second.')
  })

  test('a webhook that disappears without a word is found missing, and made again', async () => {
    const hook = page.locator('#webhooks li', { hasText: 'Review' })
    await hook.getByRole('button', { name: 'Delete' }).click()
    await message('nobody is told')
    await hook.waitFor({ state: 'detached' })
    await download()
    await message('No webhook asks for FILE.DOWNLOADED')
    await press('Sync webhooks')
    await saysLater('1 made, 0 changed, 0 deleted')
    await hook.waitFor()
    await press('Sync webhooks')
    await saysLater('The webhooks are those that the automations declare.')
  })

  test('and nothing went wrong in the page', () => expect(errors).toEqual([]))
})
