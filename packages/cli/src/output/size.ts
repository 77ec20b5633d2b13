const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Bytes for a person: KiB (with a decimal below 100) wherever models are compared, larger units far above. Exact bytes are in the JSON. */
export function size(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'unlimited';
  if (bytes < KIB) return `${bytes} B`;
  if (bytes >= 10 * GIB) return `${(bytes / GIB).toFixed(1)} GiB`;
  if (bytes >= 100 * MIB) return `${group(bytes / MIB)} MiB`;
  const kib = bytes / KIB;
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
