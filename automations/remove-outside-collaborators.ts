import { automation, skip } from '../lib/automation.ts'
import { isBoxError } from '../lib/box-error.ts'

/** Collaborators whose address is outside the allowed domains are removed from the folder again. */
export default automation({
  name: 'remove-outside-collaborators',
  on: ['COLLABORATION.CREATED', 'COLLABORATION.ACCEPTED'],
  watch: { folder: '${REVIEW_FOLDER_ID}' },
  settings: { ALLOWED_DOMAINS: 'The domains whose addresses may collaborate, separated by commas.' },
  when({ source }, { ALLOWED_DOMAINS }) {
    const address = source.accessible_by?.login ?? source.invite_email
    if (!address) return skip('The collaboration names no address: it is a group’s.')
    return !domains(ALLOWED_DOMAINS).has(domainOf(address)) || skip('The address is in an allowed domain.')
  },
  async run({ event, box, log }) {
    try {
      await box.userCollaborations.deleteCollaborationById(event.source.id)
    } catch (error) {
      if (!isBoxError(error, 404)) throw error
      log.info('the collaboration is gone already')
    }
  },
})

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

const domains = (list: string): ReadonlySet<string> =>
  new Set(list.split(',').map(domain => domain.trim().toLowerCase()))
