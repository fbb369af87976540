import { automation, type Box, type Collaboration, isBoxError, PermanentError, skip } from 'boxhooks'

/** Collaborators whose address is outside the allowed domains are removed from the folder again. */
export default automation({
  name: 'remove-outside-collaborators',
  on: ['COLLABORATION.CREATED', 'COLLABORATION.ACCEPTED'],
  watch: { folder: '${REVIEW_FOLDER_ID}' },
  settings: { ALLOWED_DOMAINS: 'The domains whose addresses may collaborate, separated by commas.' },
  when({ source }, { ALLOWED_DOMAINS }) {
    if (source.accessible_by?.type === 'group')
      return skip('The collaborator is a group, which has no address.')
    const address = addressOf(source)
    return !address || !isAllowed(address, ALLOWED_DOMAINS) || skip('The address is in an allowed domain.')
  },
  async run({ event, box, settings, log }) {
    const { id } = event.source
    if (!id) throw new PermanentError('The event does not say which collaboration it is about.')
    try {
      const address = addressOf(event.source) ?? (await addressAtBox(box, id))
      if (!address)
        throw new PermanentError(`Box names no address for collaboration ${id}. See by hand whose it is.`)
      if (isAllowed(address, settings.ALLOWED_DOMAINS)) return
      await box.userCollaborations.deleteCollaborationById(id)
    } catch (error) {
      if (!isBoxError(error, 404)) throw error
      log.info('the collaboration is gone already')
    }
  },
})

const addressOf = ({ accessible_by: by, invite_email: invited }: Collaboration): string | undefined =>
  by?.login || invited || undefined

/** An event need not carry the address. */
async function addressAtBox(box: Box, id: string): Promise<string | undefined> {
  const { accessibleBy, inviteEmail } = await box.userCollaborations.getCollaborationById(id)
  return (accessibleBy?.type === 'user' && accessibleBy.login) || inviteEmail || undefined
}

const isAllowed = (address: string, allowed: string): boolean => domains(allowed).has(domainOf(address))

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

const domains = (list: string): ReadonlySet<string> =>
  new Set(list.split(',').map(domain => domain.trim().toLowerCase()))
