import { useEffect, useState } from 'preact/hooks'

/** The page's views, each with an address of its own. */
export const VIEWS = ['deliveries', 'box', 'queue', 'send'] as const
export type View = (typeof VIEWS)[number]

/** Where on the page one is: a view, and the event that is opened. */
export type Place = { readonly view: View; readonly eventId: string | undefined }

function placeIn(hash: string): Place {
  const [name = '', id = ''] = hash.replace(/^#/, '').split('/')
  const view = VIEWS.find(one => one === name) ?? 'deliveries'
  return { view, eventId: id ? decodeURIComponent(id) : undefined }
}

export const hashOf = ({ view, eventId }: Place): string =>
  eventId === undefined ? `#${view}` : `#${view}/${encodeURIComponent(eventId)}`

export const go = (place: Place): void => {
  location.hash = hashOf(place)
}

export const openEvent = (eventId: string): void => go({ view: 'deliveries', eventId })

/** Where one is, from the address, so that going back goes back. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeIn(location.hash))
  useEffect(() => {
    const moved = () => setPlace(placeIn(location.hash))
    addEventListener('hashchange', moved)
    return () => removeEventListener('hashchange', moved)
  }, [])
  return place
}
