/**
 * Rows of cells as columns for people; the first row is the header. What would move a terminal's cursor is left out: cells
 * can hold what somebody else has written.
 */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map(row => row.map(cell => cell.replace(/[\p{Cc}\p{Cf}]+/gu, ' ')))
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
