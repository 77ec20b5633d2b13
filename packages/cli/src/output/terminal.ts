/** The streams of one run of the command, and what they can show. Results go to stdout; everything else to stderr. */
export interface Terminal {
  out(text: string): void;
  /** A line for a person, on stderr. */
  note(text: string): void;
  /** Overwrites the line of progress; does nothing unless stderr is a terminal. */
  progress(text: string): void;
  /** Columns of stdout; 80 where it is no terminal. */
  readonly width: number;
  readonly colour: boolean;
  readonly unicode: boolean;
}

export function openTerminal(
  stdout: NodeJS.WriteStream = process.stdout,
  stderr: NodeJS.WriteStream = process.stderr,
  env: NodeJS.ProcessEnv = process.env,
): Terminal {
  const clear = '\r\x1b[2K';
  let showing = false;
  const hide = (): void => {
    if (showing) stderr.write(clear);
    showing = false;
  };
  return {
    out(text) {
      hide();
      stdout.write(text);
    },
    note(text) {
      hide();
      stderr.write(`${text}\n`);
    },
    progress(text) {
      if (!stderr.isTTY) return;
      stderr.write(clear + text.slice(0, Math.max(0, (stderr.columns || 80) - 1)));
      showing = text !== '';
    },
    width: Math.max(40, Math.min(stdout.columns || 80, 160)),
    colour: stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    unicode: speaksUtf8(env),
  };
}

/** By POSIX precedence of the locale variables; terminals of macOS and Windows speak UTF-8 without them. */
function speaksUtf8(env: NodeJS.ProcessEnv): boolean {
  if (env['TERM'] === 'dumb') return false;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'];
  if (!locale) return process.platform !== 'linux';
  return /utf-?8/i.test(locale);
}
