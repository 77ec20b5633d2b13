import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import { createInterface } from 'node:readline';
import { badInput, type Freeze, type Frontend, type Loaded, noOptions, type Operation, type Tensor } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { FORMAT, parseHeader, parseInstruction } from './parse.js';

export const traceOptions = noOptions;

/** Instruction traces (`regrain.trace/1`, JSON Lines), read line by line. A tensor that is read before it is written is an input. */
@injectable()
export class TraceFrontend implements Frontend {
  accepts(path: string, head: Uint8Array): boolean {
    return extname(path).toLowerCase() === '.jsonl' || Buffer.from(head.subarray(0, 200)).toString('latin1').includes(FORMAT.split('/')[0]);
  }

  async load(path: string, freeze: Freeze): Promise<Loaded> {
    for (const [flag, names] of [
      ['--dim', Object.keys(freeze.dims)],
      ['--shape', Object.keys(freeze.shapes)],
    ] as const) {
      if (names.length > 0) throw badInput(`${path}: ${flag} ${names[0]}: a trace has no open dimensions`);
    }
    let tensors: Omit<Tensor, 'kind'>[] | undefined;
    const ids = new Map<string, number>();
    const operations: Operation[] = [];
    const inputs = new Set<number>();
    const written = new Set<number>();
    let line = 0;
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      if (text.trim() === '') continue;
      const where = `${path}:${line}`;
      if (!tensors) {
        tensors = parseHeader(text, where);
        tensors.forEach(({ name }, id) => {
          ids.set(name, id);
        });
        continue;
      }
      const operation = parseInstruction(text, where, operations.length, tensors, ids);
      for (const { tensor, mode } of operation.operands) {
        if (mode !== 'write' && !written.has(tensor)) inputs.add(tensor);
      }
      for (const { tensor, mode } of operation.operands) if (mode !== 'read') written.add(tensor);
      operations.push(operation);
    }
    if (!tensors) throw badInput(`${path}: the file is empty; a trace starts with {"format":"${FORMAT}","tensors":[…]}`);
    return {
      program: {
        name: basename(path, extname(path)),
        tensors: tensors.map((tensor, id): Tensor => ({ ...tensor, kind: inputs.has(id) ? 'input' : 'computed' })),
        operations,
        outputs: [...written],
        states: [],
        trace: true,
      },
      constants: new Uint8Array(0),
    };
  }
}
