import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** How many rows beyond the visible ones are drawn, so that scrolling shows no gap. */
const BEYOND = 8

/**
 * A long list of rows of one height, of which only the visible ones are drawn. Arrow keys, Page Up and Down, Home and End move
 * through it, Enter opens.
 */
export function VirtualList<T extends { readonly key: string }>(props: {
  readonly label: string
  readonly rows: readonly T[]
  readonly rowHeight: number
  readonly isSelected: (row: T) => boolean
  readonly onOpen: (row: T) => void
  readonly draw: (row: T) => ComponentChildren
}) {
  const { rows, rowHeight, isSelected, onOpen } = props
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600 })
  const [active, setActive] = useState<string>()
  // Keys may come faster than the list is drawn.
  const latest = useRef<string>()
  const activate = (key: string): void => {
    latest.current = key
    setActive(key)
  }
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight })
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  const first = Math.max(0, Math.floor(view.top / rowHeight) - BEYOND)
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + BEYOND)
  const move = (index: number): void => {
    const target = Math.max(0, Math.min(rows.length - 1, index))
    const row = rows[target]
    const element = box.current
    if (!row || !element) return
    activate(row.key)
    const [top, bottom] = [target * rowHeight, (target + 1) * rowHeight]
    if (top < element.scrollTop) element.scrollTop = top
    if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight
  }
  // Where the list becomes lower, what one is at stays in sight.
  useLayoutEffect(() => {
    const at = rows.findIndex(({ key }) => key === latest.current)
    if (at >= 0) move(at)
  }, [view.height])
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = rows.findIndex(({ key }) => key === latest.current)
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1)
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    }
    const to = moves[event.key]
    const row = rows[at]
    if (to !== undefined) move(to)
    else if (row && (event.key === 'Enter' || event.key === ' ')) onOpen(row)
    else return
    event.preventDefault()
  }
  return (
    <div
      ref={box}
      class="rows"
      role="listbox"
      aria-label={props.label}
      aria-activedescendant={active === undefined ? undefined : `row-${active}`}
      tabIndex={0}
      onScroll={({ currentTarget }) =>
        setView({ top: currentTarget.scrollTop, height: currentTarget.clientHeight })
      }
      onKeyDown={onKeyDown}
    >
      <div class="rows-all" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(first, last).map((row, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and names its active row
          <div
            key={row.key}
            id={`row-${row.key}`}
            class={`row${row.key === active ? ' active' : ''}${isSelected(row) ? ' opened' : ''}`}
            role="option"
            aria-selected={isSelected(row)}
            style={{ top: `${(first + index) * rowHeight}px`, height: `${rowHeight}px` }}
            onClick={() => {
              activate(row.key)
              onOpen(row)
            }}
          >
            {props.draw(row)}
          </div>
        ))}
      </div>
    </div>
  )
}
