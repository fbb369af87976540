/**
 * Formats rows of cells as columns; the first row is the header. What would move a terminal's cursor is left out: cells
 * can hold text from outside.
 */
export const table = (cells: readonly (readonly string[])[]): string => growingTable()(cells)

/**
 * Makes a table that is printed part by part, so that it need not be held as a whole. A column grows with its cells.
 * @returns takes the next rows, and returns their lines
 */
export function growingTable(): (cells: readonly (readonly string[])[]) => string {
  const widths: number[] = []
  return cells => {
    const rows = cells.map(row => row.map(plain))
    for (const row of rows)
      for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
    return rows
      .map(row =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .join('\n')
  }
}

/** Removes what would move a terminal's cursor. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
