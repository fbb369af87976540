import { automation } from '../../lib/automation/automation.ts'
import type { Box } from '../../lib/box/box.ts'
import { boxEvent, type Kit, type KitOutcome, startKit } from '../kit.ts'
import { useStarted } from './started.ts'

/** Starts a test kit for each test, and stops it after. */
export const useKit = (): Kit =>
  useStarted(
    () => startKit(),
    kit => kit.close(),
    'test',
  )

/** Makes calls to Box as an automation does, and returns what became of that. */
export const callBox = (kit: Kit, use: (box: Box) => Promise<unknown>): Promise<KitOutcome> =>
  kit.run(
    automation({
      name: 'calling',
      on: 'FILE.LOCKED',
      watch: { folder: '1' },
      async run({ box }) {
        await use(box)
      },
    }),
    boxEvent('FILE.LOCKED'),
  )
