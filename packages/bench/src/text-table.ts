/** Columns aligned for a terminal: the first to the left, numbers to the right. */
export function textTable(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const all = [header, ...lines];
  const widths = header.map((_, c) => Math.max(...all.map((line) => line[c].length)));
  return all.map((line) => line.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  ')).join('\n');
}
