/** Bytes for a person: KiB with one decimal below 100 KiB, whole KiB above, bytes below 1 KiB. Exact bytes are in the JSON. */
export function size(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'unlimited';
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return `${kib < 100 ? kib.toFixed(1) : group(Math.round(kib))} KiB`;
}

/** A count with thin groups of three digits: `12,345`. */
export function group(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A share: `16.9 %`. */
export function percent(part: number, whole: number): string {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '';
}

export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
