import type { CompileFlags } from '../compile/compile-file.js';

/** What the command line of `run` says. */
export interface RunFlags extends Omit<CompileFlags, 'input'> {
  readonly target: string;
  readonly threads: number;
  readonly input: Readonly<Record<string, string>>;
  readonly runs?: number;
  readonly check?: boolean;
  readonly profile?: boolean;
  readonly generic?: boolean;
  readonly poison?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}
