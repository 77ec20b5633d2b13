import { FunctionBuilder, type Wasm } from '../codegen/function-builder.js';
import type { Imports } from '../codegen/imports.js';
import type { Selected } from '../codegen/kernel.js';
import type { KernelKind } from '../program.js';

/** The functions of a module, one per kernel shape; tasks call them by their place in a table. */
export class KernelTable {
  private readonly places = new Map<string, number>();
  private readonly names: string[] = [];
  private readonly kinds: KernelKind[] = [];

  constructor(
    private readonly wasm: Wasm,
    private readonly module: InstanceType<Wasm['Module']>,
    private readonly imports: Imports,
    /** Products and sums may be fused. */
    private readonly fused: boolean,
  ) {}

  /** The place of a kernel, which is written where it is new. */
  place({ key, kind, write }: Selected): number {
    const known = this.places.get(key);
    if (known !== undefined) return known;
    const place = this.names.length;
    const name = `k${place}`;
    const fn = new FunctionBuilder(this.wasm, this.module, undefined, this.fused);
    write(fn, this.imports);
    fn.finish(name);
    this.places.set(key, place);
    this.names.push(name);
    this.kinds.push(kind);
    return place;
  }

  /** Number of functions by kind. */
  count(): Record<KernelKind, number> {
    const counts: Record<KernelKind, number> = { contraction: 0, window: 0, lanes: 0, generic: 0 };
    for (const kind of this.kinds) counts[kind]++;
    return counts;
  }

  finish(): void {
    const { module, names } = this;
    module.addTable('kernels', names.length, names.length);
    module.addActiveElementSegment('kernels', 'all', names, module.i32.const(0));
    this.imports.declare(this.wasm, module);
  }
}
