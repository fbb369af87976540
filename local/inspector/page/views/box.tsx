import { useEffect, useState } from 'preact/hooks'
import type { BoxItem, BoxView, DoingView } from '../../protocol.ts'
import { get } from '../api.ts'
import { perform } from '../parts.tsx'
import { type Live, readBox } from '../store.ts'
import { DoingButtons } from './actions.tsx'
import { Webhooks } from './webhooks.tsx'

const ROOT_ID = '0'

/** How long after a change the emulated Box is read anew, in milliseconds. */
const READ_MS = 250

/** The emulated Box: its files and folders, what belongs to them, and its webhooks. */
export function BoxSide({ live }: { readonly live: Live }) {
  const view = live.box
  const [doings, setDoings] = useState<readonly DoingView[]>([])
  const [folderId, setFolderId] = useState<string>()
  const [selected, setSelected] = useState<string>()
  const [trash, setTrash] = useState(false)
  useEffect(() => {
    if (live.connected) get<readonly DoingView[]>('/_local/doings').then(setDoings, () => {})
  }, [live.connected])
  // What happens in Box is told of by events; much of it within a moment.
  useEffect(() => {
    const timer = setTimeout(readBox, READ_MS)
    return () => clearTimeout(timer)
  }, [live.connected, live.rows, live.acted])
  // What is watched is where something happens; it stays open when its webhook goes.
  const watched = view?.webhooks.find(({ target }) => target.type === 'folder')?.target.id
  useEffect(() => {
    if (watched !== undefined) setFolderId(before => before ?? watched)
  }, [watched])
  if (!view)
    return (
      <section class="box" aria-label="Box">
        <p>Reading …</p>
      </section>
    )
  const wanted = folderId ?? watched ?? ROOT_ID
  const folder = view.items.find(({ type, id }) => type === 'folder' && id === wanted && !isTrashed(view, id))
  const here = folder?.id ?? ROOT_ID
  const shown = view.items.filter(item => (trash ? item.trashed : !item.trashed && item.parentId === here))
  const item = shown.find(one => keyOf(one) === selected)
  const doIt = async (name: string, input: Readonly<Record<string, string>>): Promise<boolean> => {
    const done = await perform('do', { doing: name, ...input })
    await readBox()
    return done !== undefined
  }
  const own = (on: string) => doings.filter(doing => doing.on === on)
  return (
    <section class="box" aria-labelledby="box-title">
      <h2 id="box-title">Box, emulated</h2>
      {view.notes.map(note => (
        <p key={note} class="wait">
          {note}
        </p>
      ))}
      <Path view={view} folderId={here} onOpen={setFolderId} />
      {!trash && (
        <DoingButtons
          doings={own('folder').filter(({ name }) => IN_FOLDER.has(name))}
          id={here}
          folders={view.items}
          onDo={doIt}
        />
      )}
      <ul id="files" class="files">
        {shown.map(one => (
          <ItemRow
            key={keyOf(one)}
            item={one}
            selected={keyOf(one) === selected}
            onOpen={() => {
              setFolderId(one.id)
              setSelected(undefined)
            }}
            onSelect={() => setSelected(keyOf(one) === selected ? undefined : keyOf(one))}
            onDo={doIt}
          />
        ))}
        {shown.length === 0 && (
          <li class="quiet">{trash ? 'The trash is empty.' : 'This folder is empty.'}</li>
        )}
      </ul>
      {item && (
        <div class="selected" id="selected">
          <h3>{item.name}</h3>
          <DoingButtons
            doings={own(item.trashed ? `trashed_${item.type}` : item.type).filter(
              ({ name }) => !IN_FOLDER.has(name) && isPossible(item, name),
            )}
            id={item.id}
            folders={view.items}
            onDo={doIt}
          />
          <Things view={view} item={item} doings={doings} onDo={doIt} />
        </div>
      )}
      <Collaborators view={view} doings={doings} folderId={here} onDo={doIt} />
      <p>
        <button type="button" class="small" aria-pressed={trash} onClick={() => setTrash(!trash)}>
          {trash ? 'Back to the files' : 'Trash'}
        </button>
      </p>
      <Webhooks view={view} read={readBox} address={live.about?.webhookUrl ?? ''} />
      <DoingButtons doings={own('box')} id="" folders={view.items} onDo={doIt} label="Scenarios" />
    </section>
  )
}

/** What is done in a folder and not to it. */
const IN_FOLDER: ReadonlySet<string> = new Set(['upload-file', 'create-folder', 'invite'])

/** Whether it makes sense for an item as it is. */
function isPossible({ link, notes }: BoxItem, doing: string): boolean {
  if (doing.startsWith('unshare-')) return link !== null
  if (doing === 'unlock-file') return notes.length > 0
  return doing !== 'lock-file' || notes.length === 0
}

const keyOf = ({ type, id }: BoxItem): string => `${type} ${id}`

function isTrashed(view: BoxView, folderId: string): boolean {
  const folder = view.items.find(({ type, id }) => type === 'folder' && id === folderId)
  if (!folder || folder.trashed) return true
  return folder.parentId !== null && isTrashed(view, folder.parentId)
}

/** From the root down to the folder that is open. */
function Path(props: {
  readonly view: BoxView
  readonly folderId: string
  readonly onOpen: (id: string) => void
}) {
  const path: BoxItem[] = []
  for (let id: string | null = props.folderId; id !== null; ) {
    const folder = props.view.items.find(item => item.type === 'folder' && item.id === id)
    if (!folder) break
    path.unshift(folder)
    id = folder.parentId
  }
  return (
    <nav class="path" aria-label="Folder">
      {path.map(({ id, name }) => (
        <button
          type="button"
          class="link-button"
          key={id}
          aria-current={id === props.folderId}
          onClick={() => props.onOpen(id)}
        >
          {name}
        </button>
      ))}
    </nav>
  )
}

const Icon = ({ folder }: { readonly folder: boolean }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d={folder ? 'M1 3h5l2 2h7v9H1z' : 'M3 1h7l3 3v11H3z'} />
  </svg>
)

function ItemRow(props: {
  readonly item: BoxItem
  readonly selected: boolean
  readonly onOpen: () => void
  readonly onSelect: () => void
  readonly onDo: (name: string, input: Readonly<Record<string, string>>) => Promise<boolean>
}) {
  const { item, selected, onOpen, onSelect, onDo } = props
  const folder = item.type === 'folder'
  return (
    <li class={selected ? 'selected-row' : ''}>
      <span class="name">
        <Icon folder={folder} />{' '}
        {folder && !item.trashed ? (
          <button type="button" class="link-button" onClick={onOpen}>
            {item.name}
          </button>
        ) : (
          item.name
        )}
      </span>
      <span class={item.link ? 'link' : 'quiet'}>{item.link ? 'shared link' : folder ? '' : 'no link'}</span>
      {item.notes.map(note => (
        <span key={note} class="wait">
          {note}
        </span>
      ))}
      <span class="buttons">
        {!folder && !item.trashed && (
          <button
            type="button"
            title="Box tells of it with FILE.DOWNLOADED"
            onClick={() => onDo('download-file', { id: item.id })}
          >
            Download
          </button>
        )}
        <button type="button" aria-expanded={selected} aria-label={`More of ${item.name}`} onClick={onSelect}>
          ⋯
        </button>
      </span>
    </li>
  )
}

type ThingsProps = {
  readonly view: BoxView
  readonly doings: readonly DoingView[]
  readonly onDo: (name: string, input: Readonly<Record<string, string>>) => Promise<boolean>
}

/** What belongs to an item, with what can be done to each. */
function Things({ view, item, doings, onDo }: ThingsProps & { readonly item: BoxItem }) {
  const things = view.things.filter(one => one.item.type === item.type && one.item.id === item.id)
  return <ThingList things={things} view={view} doings={doings} onDo={onDo} />
}

/** Who was invited to the folder that is open, or to one above it. */
function Collaborators({ view, doings, folderId, onDo }: ThingsProps & { readonly folderId: string }) {
  const things = view.things.filter(
    ({ kind, item }) => kind === 'collaboration' && item.type === 'folder' && item.id === folderId,
  )
  return (
    <>
      <h3>Collaborators</h3>
      <div id="collaborations">
        {things.length === 0 ? (
          <p class="quiet">none in this folder</p>
        ) : (
          <ThingList things={things} view={view} doings={doings} onDo={onDo} />
        )}
      </div>
    </>
  )
}

function ThingList(props: ThingsProps & { readonly things: BoxView['things'] }) {
  return (
    <ul class="plain">
      {props.things.map(({ kind, id, text, state }) => (
        <li key={`${kind} ${id}`}>
          <span class="quiet">{kind.replaceAll('_', ' ')}</span> {text} <span class="quiet">{state}</span>
          <DoingButtons
            doings={props.doings.filter(({ on }) => on === kind)}
            id={id}
            folders={props.view.items}
            onDo={props.onDo}
          />
        </li>
      ))}
    </ul>
  )
}
