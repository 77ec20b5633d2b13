import { InvalidArgumentError } from 'commander';

/** `NAME=REST`, split at the last `=` so that names may hold one. */
export function named(text: string, form: string): readonly [name: string, value: string] {
  const at = text.lastIndexOf('=');
  if (at <= 0 || at === text.length - 1) throw new InvalidArgumentError(`Write ${form}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Whole bytes; `320k`, `320KiB` and `1M` are multiples of 1024. */
export function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const value = match ? Number(match[1]) * UNITS[match[2].toLowerCase()] : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('Give bytes, such as 327680, 320k or 1M.');
  return value;
}

/** A whole number in `[least, most]`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER ? `Give a whole number, at least ${least}.` : `Give a whole number from ${least} to ${most}.`,
      );
    }
    return value;
  };
}

/** A number that is at least `least`. */
export function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < least) throw new InvalidArgumentError(`Give a number, at least ${least}.`);
    return value;
  };
}

/** Ids separated by commas. */
export function ids(text: string): readonly string[] {
  const found = text
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
  if (found.length === 0) throw new InvalidArgumentError('Give an id, or several separated by commas.');
  return found;
}

type Collected<T> = Readonly<Record<string, T>>;

/** `--capacity SPACE=BYTES`, repeatable. */
export function capacity(text: string, before: Collected<number> = {}): Collected<number> {
  const [space, value] = named(text, 'SPACE=BYTES, such as sram=320k');
  return { ...before, [space]: bytes(value) };
}

/** `--dim NAME=N`, repeatable. */
export function dim(text: string, before: Collected<number> = {}): Collected<number> {
  const [name, value] = named(text, 'NAME=N, such as batch=1');
  return { ...before, [name]: integer(0)(value) };
}

/** `--shape INPUT=1,3,64,64`, repeatable. `INPUT=1x3x64x64` is read too. */
export function shape(text: string, before: Collected<readonly number[]> = {}): Collected<readonly number[]> {
  const [name, value] = named(text, 'INPUT=1,3,64,64');
  return { ...before, [name]: value.split(/[,x]/).map(integer(0)) };
}
