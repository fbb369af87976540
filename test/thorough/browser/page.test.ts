import { mkdtempSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseObject } from '../../../lib/base/json.ts'
import { boxEvent, signedDelivery } from '../../kit.ts'
import { browserAbsent, usePage } from '../../support/page.ts'

const EVIL = '<img src=x onerror=document.title="broken">.txt'
const REMOVE_LINK = 'remove-shared-link-after-download'

const fixtures = mkdtempSync(join(tmpdir(), 'boxhooks-fixtures-'))
afterAll(() => rm(fixtures, { recursive: true, force: true }))

const { stack, page, errors, press, go, message, saysLater, rows, step, opened, select, fileRow } = usePage({
  fixtures,
})
const eventId = async () =>
  (await page.locator('#details-id').textContent())?.replace('event ', '').trim() ?? ''

describe.skipIf(browserAbsent)('the page', () => {
  test('it explains itself, and shows the main job at the press of its first button', async () => {
    const start = page.locator('.start')
    for (const station of ['Box', 'Ingest', 'Queue', 'Automations', 'Dead letters'])
      await start.locator('.way strong', { hasText: station }).waitFor()
    await start.getByText(`${REMOVE_LINK} on FILE.DOWNLOADED`).waitFor()
    await fileRow('contract.pdf').getByText('shared link').waitFor()
    await start.getByRole('button', { name: 'Download contract.pdf' }).click()
    await message('answered 202. Watch the link go.')
    await opened('done')
    await fileRow('contract.pdf').getByText('no link').waitFor()
    await go('Deliveries')
    await start.locator('.way li', { hasText: 'Automations' }).getByText('1 done').waitFor()
    await start.getByRole('button', { name: 'Hide this' }).click()
    await start.waitFor({ state: 'detached' })
    await page.reload()
    await press('What is this?')
    await start.waitFor()
  })

  test('a file is uploaded, shared and downloaded in it, and its link goes while one looks on', async () => {
    await press('Upload a file …')
    const form = page.locator('.doing-form')
    await form.getByLabel('Name').fill('report.pdf')
    await form.getByRole('button', { name: 'Upload a file' }).click()
    await fileRow('report.pdf').waitFor()
    await select('report.pdf')
    await press('Share …')
    await page.locator('.doing-form').getByRole('button', { name: 'Share' }).click()
    await fileRow('report.pdf').getByText('shared link').waitFor()
    await fileRow('report.pdf').getByRole('button', { name: 'Download' }).click()
    await fileRow('report.pdf').getByText('no link').waitFor()
    await rows('report.pdf').filter({ hasText: 'FILE.DOWNLOADED' }).first().click()
    await opened('done')
    for (const text of [
      'delivered by Box',
      'verified with the primary key, and queued',
      'answered 202 accepted',
      'run started, attempt 1',
      /PUT \/2\.0\/files\/\d+ → 200/,
      'event finished: done',
    ])
      await step(text).first().waitFor()
    const lanes = await page.locator('.timeline .lane:not(.axis) .lane-name').allTextContents()
    expect(lanes).toEqual(['ingest', 'queue', REMOVE_LINK])
    const took = await page.locator('.timeline .span').allTextContents()
    expect(took.length).toBeGreaterThanOrEqual(3)
    for (const text of took) expect(text).toMatch(/^\d+(\.\d)? m?s$/)
    expect(await page.locator('.timeline .tick').first().textContent()).toBe('+0 ms')
    await page.locator('#runs li', { hasText: REMOVE_LINK }).getByText('done after 1 attempt').waitFor()
    await page.locator('.calls', { hasText: /PUT \/2\.0\/files\/\d+ → 200/ }).waitFor()
  })

  test('a delivery shows its check step by step, its request, its answer and its body as it came', async () => {
    const delivery = page.locator('#deliveries details').first()
    await delivery.locator('summary').first().click()
    const verdict = await delivery.locator('.verdict li').allTextContents()
    for (const text of [
      'primary matches our primary key',
      'verdict passed with the primary key',
      's old, of at most 600',
    ])
      expect(verdict.join('\n')).toContain(text)
    const shown = await delivery.textContent()
    for (const text of [
      'POST /box/webhook',
      'box-signature-primary: ',
      'user-agent: Box-WH-Client/0.1',
      '"code": "accepted"',
    ])
      expect(shown).toContain(text)
    expect(shown).toContain('"trigger": "FILE.DOWNLOADED"')
    await delivery.getByRole('button', { name: 'Show it as it came' }).click()
    expect(await delivery.textContent()).toContain('"trigger":"FILE.DOWNLOADED"')
    await page.locator('#record summary').click()
    await page.locator('#record', { hasText: '"status": "done"' }).waitFor()
    await page.locator('#log summary').click()
    await page.locator('#log', { hasText: 'run_started' }).waitFor()
  })

  test('“Deliver again” and “Deliver twice at once” do nothing twice', async () => {
    await press('Deliver again')
    await step('event duplicate').waitFor()
    await press('Deliver twice at once')
    await message('answered 202 and 202')
    await expect.poll(() => step('event duplicate').count()).toBe(3)
    expect(await step('run started').count()).toBe(1)
    expect(await page.locator('#deliveries details.delivery').count()).toBe(4)
  })

  test('“Replay” runs it anew from what the ledger keeps', async () => {
    await press('Replay')
    await message(`The event runs again: ${REMOVE_LINK}`)
    await expect.poll(() => step('run started').count()).toBe(2)
    await opened('done')
    await page.locator('#runs', { hasText: 'taken back 1 time' }).waitFor()
  })

  test('“Copy as curl” copies the very delivery, and “Save as test fixture” writes its body to a file', async () => {
    const id = await eventId()
    await press('Copy as curl')
    await message('Copied')
    const copied = await page.evaluate('navigator.clipboard.readText()')
    expect(copied).toContain(`-X POST '${stack.url}/box/webhook'`)
    expect(copied).toContain("-H 'box-signature-primary: ")
    expect(copied).toContain(`"id":"${id}"`)
    await press('Save as test fixture')
    await message('Saved as test/fixtures/deliveries/FILE.DOWNLOADED-')
    const [file = ''] = await readdir(fixtures)
    expect(parseObject(await readFile(join(fixtures, file), 'utf8'))).toMatchObject({
      id,
      trigger: 'FILE.DOWNLOADED',
    })
  })

  test('“Fail once”: Box answers 503, and the second attempt succeeds', async () => {
    await press('Fail once')
    await message('Box fails once')
    await step('→ 503').waitFor()
    await step('failed (box_unavailable').waitFor()
    await step('run started, attempt 2').waitFor()
    await opened('done')
    await page.locator('#runs', { hasText: 'done after 2 attempts' }).waitFor()
    await page.getByText('where it was thrown last').click()
    await page.locator('#runs', { hasText: 'remove-shared-link.ts' }).waitFor()
  })

  test('“Fail for good”: the event ends as a dead letter, and “Redrive” lets it be done', async () => {
    await press('Fail for good')
    await opened('dead')
    await step('failed permanently (box_forbidden').waitFor()
    await page.locator('#state', { hasText: '1 dead letter' }).waitFor()
    await page.locator('#event-actions').getByRole('button', { name: 'Redrive' }).click()
    await message('1 dead letter is back on the queue')
    await opened('done')
    await page.locator('#state', { hasText: '0 dead letters' }).waitFor()
  })

  test('the queue’s view lists dead letters with their reason, redrives all of them, and has its plots', async () => {
    await press('Fail for good')
    await opened('dead')
    await go('Queue')
    const letters = page.locator('#dead-letters')
    await letters.getByText('box_forbidden').waitFor()
    await letters.getByText('invite it to the folder').waitFor()
    await letters.getByRole('button', { name: 'Redrive all' }).click()
    await letters.getByText('None: everything that was accepted is done').waitFor()
    expect(await page.locator('.plot figcaption').allTextContents()).toEqual([
      expect.stringMatching(/^Deliveries at most [\d.]+ a second/),
      expect.stringMatching(/^Latency answer: median .*end to end: median/),
      expect.stringMatching(/^On the queue at most/),
    ])
    expect(await page.locator('.plot rect.good').count()).toBeGreaterThan(0)
    expect(await page.locator('.plot circle').count()).toBeGreaterThan(1)
    await go('Deliveries')
  })

  test('“Bad signature”: the forgery is refused with 401, and its check says why', async () => {
    // On a machine that is too busy to read the keys in time the answer is 503, and not yet the refusal.
    await expect
      .poll(
        async () => {
          await press('Bad signature')
          await message('A forged delivery was answered')
          return page.locator('#message').textContent()
        },
        { timeout: 18_000 },
      )
      .toContain('answered 401')
    const forged = page.locator('#deliveries details.delivery', { hasText: '401 signature_mismatch' }).first()
    await forged.locator('summary').first().click()
    await forged.getByText('refused: signature_mismatch').waitFor()
    await rows('401 signature_mismatch').first().getByText('refused').waitFor()
  })

  test('“Rotate keys”: both keys are replaced, and no delivery in between is refused', async () => {
    const before = stack.journal.events.length
    await press('Rotate keys')
    await saysLater(
      /before: 202; secondary key reset on Box: 202; secondary key stored here: 202; primary key reset on Box: 202; primary key stored here: 202/,
    )
    await opened('done')
    expect(stack.journal.events.length).toBe(before + 5)
    expect(stack.box.keys.primary).not.toBe(stack.keys.primary)
    expect(stack.box.keys.secondary).not.toBe(stack.keys.secondary)
  }, 90_000)

  test('“Kill the worker”: another one takes the run over when the lease has ended', async () => {
    await press('Kill the worker')
    await message('The worker was killed')
    await step('worker killed').waitFor()
    await step('event waiting (leased').waitFor()
    await step('run started, attempt 2').waitFor({ timeout: 40_000 })
    await opened('done')
    await page.locator('.timeline .span.bad').first().waitFor()
  }, 60_000)

  test('“Pause Box’s API”: runs wait and nothing is lost; once it is back they are done', async () => {
    await press('Pause Box’s API')
    await message('answers 503 to everything')
    await page.locator('.box', { hasText: 'Box’s API is set to fail.' }).waitFor()
    await fileRow('report.pdf').getByRole('button', { name: 'Download' }).click()
    await rows('report.pdf').filter({ hasText: 'retrying' }).click()
    await step('→ 503').first().waitFor()
    await opened('retrying')
    await press('Resume Box’s API')
    await message('Box’s API is back')
    await opened('done')
  })

  test('“Burst of 500”: all are accepted, and all are done', async () => {
    const before = await page.locator('#count').textContent()
    await press('Burst of 500')
    await saysLater('500 of 500 deliveries were accepted')
    const counted = async () => Number.parseInt((await page.locator('#count').textContent()) ?? '', 10)
    await expect.poll(counted).toBeGreaterThanOrEqual(Number.parseInt(before ?? '', 10) + 500)
    await expect
      .poll(() => stack.journal.events.filter(({ status }) => status !== 'done').length, { timeout: 60_000 })
      .toBe(0)
  }, 300_000)

  test('the list is narrowed by trigger, status and text, and moved through with the keys', async () => {
    await page.locator('#filter-trigger').selectOption('FILE.UPLOADED')
    await rows('FILE.UPLOADED').first().waitFor()
    expect(await rows('FILE.DOWNLOADED').count()).toBe(0)
    await page.locator('#filter-text').fill('REPORT')
    await page.locator('#count', { hasText: /^[12] of \d+ deliveries/ }).waitFor()
    await page.locator('#filter-trigger').selectOption('')
    await page.locator('#filter-text').fill('')
    await page.locator('#filter-status').selectOption('refused')
    await expect.poll(() => rows('refused').count()).toBeGreaterThan(0)
    expect(await rows('done').count()).toBe(0)
    await page.locator('#filter-status').selectOption('')
    await page.locator('.rows').focus()
    await page.keyboard.press('End')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    const active = page.locator('.row.active.opened')
    await active.waitFor()
    expect(await active.textContent()).toContain(
      (await page.locator('#details-title').textContent())?.split(' ')[0],
    )
  })

  test('any delivery is made from its template, bent, and sent; an event that came is changed and sent', async () => {
    await go('Send')
    await page.locator('#send-trigger').selectOption('COMMENT.CREATED')
    await expect.poll(() => page.locator('#send-body').inputValue()).toContain('Looks good')
    await page.locator('#send-about').selectOption({ label: 'file report.pdf' })
    const { id } = [...stack.box.content.files.values()].find(({ name }) => name === 'report.pdf') ?? {
      id: '',
    }
    await expect.poll(() => page.locator('#send-body').inputValue()).toContain(`"id": "${id}"`)
    await page.getByLabel('source.message', { exact: true }).fill('From the form')
    await expect.poll(() => page.locator('#send-body').inputValue()).toContain('"message": "From the form"')
    await page.getByLabel('created_at', { exact: true }).fill('yesterday')
    await page.getByText('It must be a time such as').waitFor()
    await page.getByLabel('created_at', { exact: true }).fill('2026-11-23T10:00:00Z')
    await expect.poll(() => page.locator('#send-body').inputValue()).toContain('"2026-11-23T10:00:00Z"')
    await press('Send')
    await message('COMMENT.CREATED was sent, and answered 202')
    await opened('done')
    await rows('COMMENT.CREATED').first().waitFor()
    await press('Edit and send')
    await expect.poll(() => page.locator('#send-body').inputValue()).toContain('From the form')
    expect(await page.locator('#send-trigger').inputValue()).toBe('COMMENT.CREATED')
    const body = await page.locator('#send-body').inputValue()
    await page.locator('#send-body').fill(body.replace('From the form', 'Changed by hand'))
    await page.locator('#send-bend').selectOption('eleven minutes old')
    await press('Send')
    await message('COMMENT.CREATED was sent, and answered 401')
    await page.locator('#deliveries', { hasText: '401 timestamp_too_old' }).waitFor()
    await go('Send')
    await expect.poll(() => page.locator('#send-body').inputValue()).toContain('FILE.DOWNLOADED')
    await page.locator('#send-body').fill('no JSON')
    await page.getByText('This is no JSON yet').waitFor()
    await press('Send')
    await message('The body must be a JSON object')
    await go('Deliveries')
  })

  test('Box’s side: what is done to a file is seen there and told of', async () => {
    await select('report.pdf')
    await press('Rename …')
    await page.locator('.doing-form').getByLabel('Name').fill('renamed.pdf')
    await page.locator('.doing-form').getByRole('button', { name: 'Rename' }).click()
    await fileRow('renamed.pdf').waitFor()
    await page.locator('#selected').getByRole('button', { name: 'Lock' }).first().click()
    await fileRow('renamed.pdf').getByText('locked by boxhooks service account').waitFor()
    await page.locator('#selected').getByRole('button', { name: 'Trash' }).click()
    await fileRow('renamed.pdf').waitFor({ state: 'detached' })
    await press('Trash')
    await select('renamed.pdf')
    await press('Restore')
    await fileRow('renamed.pdf').waitFor({ state: 'detached' })
    await press('Back to the files')
    await fileRow('renamed.pdf').waitFor()
    await press('Invite …')
    await page.locator('.doing-form').getByRole('button', { name: 'Invite' }).click()
    await rows('COLLABORATION.CREATED').first().getByText('done').waitFor()
    await page.locator('#collaborations', { hasText: 'none in this folder' }).waitFor()
  })

  test('webhooks are made, changed and deleted as in the Developer Console, and one that Box cleans up is healed', async () => {
    await page.getByRole('navigation', { name: 'Folder' }).getByRole('button', { name: 'Review' }).waitFor()
    await press('Create a webhook …')
    const form = page.getByRole('form', { name: /webhook/ })
    await form.getByLabel('Target').selectOption({ label: 'folder Archive' })
    await form.getByLabel('FILE.LOCKED').check()
    await form.getByRole('button', { name: 'Create the webhook' }).click()
    const made = page.locator('#webhooks li', { hasText: 'Archive' })
    await made.getByText('FILE.DOWNLOADED, FILE.LOCKED').waitFor()
    await made.getByRole('button', { name: 'Change' }).click()
    await form.getByLabel('FILE.DOWNLOADED').uncheck()
    await form.getByRole('button', { name: 'Save the webhook' }).click()
    await made.getByText('FILE.LOCKED', { exact: true }).waitFor()
    await made.getByRole('button', { name: 'Delete' }).click()
    await made.waitFor({ state: 'detached' })
    const [before] = stack.box.webhooks.of()
    await page
      .locator('#webhooks li', { hasText: 'Review' })
      .getByRole('button', { name: 'Let Box clean it up' })
      .click()
    await message('Box deleted the webhook')
    await expect
      .poll(() => stack.box.webhooks.of().map(({ target }) => target.id), { timeout: 15_000 })
      .toEqual(['100001'])
    expect(stack.box.webhooks.of()[0]?.id).not.toBe(before?.id)
  })

  test('what can’t be done is said', async () => {
    const { body, headers } = signedDelivery(boxEvent('FILE.LOCKED', { id: 'by-hand' }), ourKeys())
    await fetch(stack.webhookUrl, { method: 'POST', headers, body: Uint8Array.from(body) })
    await rows('FILE.LOCKED').first().click()
    await page.locator('#details-id', { hasText: 'by-hand' }).waitFor()
    await press('Deliver again')
    await message('not kept any more')
  })

  test('a file whose name is markup is shown as text', async () => {
    stack.box.content.uploadFile({ parentId: '100001', name: EVIL, content: 'x' })
    await rows('onerror').first().click()
    await page.locator('#details-title', { hasText: 'onerror' }).waitFor()
    await fileRow('onerror').waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe('boxhooks')
  })

  test('asks for nothing from anywhere else', async () => {
    const asked: unknown = await page.evaluate(
      'performance.getEntriesByType("resource").map(({ name }) => name)',
    )
    expect(Array.isArray(asked) && asked.length).toBeGreaterThan(0)
    for (const name of Array.isArray(asked) ? asked : []) expect(String(name)).toContain(stack.url)
  })

  test('and nothing went wrong in it', () => expect(errors).toEqual([]))
})

/** The keys that are stored by now, after the rotation. */
const ourKeys = () => stack.box.keys
