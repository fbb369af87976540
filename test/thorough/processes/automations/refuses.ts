import { automation } from '../../../../lib/automation/automation.ts'
import { PermanentError } from '../../../../lib/base/errors.ts'

/** Fails for good. */
export default automation({
  name: 'refuses',
  on: 'FILE.DOWNLOADED',
  watch: { folder: '100001' },
  when: event => event.source.name?.includes('refused') ?? false,
  run() {
    throw new PermanentError('This file is refused.')
  },
})
