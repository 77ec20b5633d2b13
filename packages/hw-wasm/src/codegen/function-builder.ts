import type binaryen from 'binaryen';

export type Wasm = typeof binaryen;
export type Module = binaryen.Module;
export type Expression = binaryen.ExpressionRef;
export type Type = binaryen.Type;

/** The one instruction that binaryen's JavaScript has no builder for: by the functions beneath it. */
function relaxedMultiplyAdd(wasm: Wasm, m: Module, a: Expression, b: Expression, c: Expression): Expression {
  const { _BinaryenSIMDTernary: ternary, _BinaryenRelaxedMaddVecF32x4: operation } = wasm as unknown as {
    _BinaryenSIMDTernary(module: number, operation: number, a: Expression, b: Expression, c: Expression): Expression;
    _BinaryenRelaxedMaddVecF32x4(): number;
  };
  return ternary((m as unknown as { readonly ptr: number }).ptr, operation(), a, b, c);
}

/** A value that may be used any number of times. */
export type Local = () => Expression;

/** One function while it is written: statements go to the innermost open block. */
export class FunctionBuilder {
  private readonly types: Type[] = [];
  private statements: Expression[] = [];
  private labels = 0;

  constructor(
    readonly wasm: Wasm,
    readonly m: Module,
    private readonly params: readonly Type[] = [wasm.i32],
    /** Products and sums of floats may be rounded once (relaxed SIMD). */
    readonly fused = false,
  ) {}

  get(index: number, type: Type): Expression {
    return this.m.local.get(index, type);
  }

  /** The k-th parameter. */
  param(k: number): Local {
    return () => this.get(k, this.params[k]);
  }

  /** A new variable; the second part assigns it. */
  variable(type: Type): readonly [value: Local, assign: (value: Expression) => void] {
    const index = this.params.length + this.types.length;
    this.types.push(type);
    return [() => this.get(index, type), (value) => this.push(this.m.local.set(index, value))];
  }

  /** Keeps a value. */
  keep(type: Type, value: Expression): Local {
    const [read, assign] = this.variable(type);
    assign(value);
    return read;
  }

  /** `a × b + c` of four floats: fused where that is allowed, else rounded twice. */
  multiplyAdd(a: Expression, b: Expression, c: Expression): Expression {
    const { m, wasm } = this;
    return this.fused ? relaxedMultiplyAdd(wasm, m, a, b, c) : m.f32x4.add(c, m.f32x4.mul(a, b));
  }

  push(statement: Expression): void {
    this.statements.push(statement);
  }

  /** The statements that `body` writes, as one block. */
  block(body: () => void): Expression {
    const outer = this.statements;
    this.statements = [];
    body();
    const block = this.m.block(null, this.statements);
    this.statements = outer;
    return block;
  }

  when(condition: Expression, then: () => void, otherwise?: () => void): void {
    this.push(this.m.if(condition, this.block(then), otherwise ? this.block(otherwise) : undefined));
  }

  /**
   * What is assigned again in `instead` is computed before this, not later: V8 moves arithmetic down to its use, so that all that a long
   * block loads would be in registers at once. `never` is a condition that does not hold, of which compilers cannot know that.
   */
  fence(never: Expression, instead: () => void): void {
    this.when(never, instead);
  }

  /** `for (i = from; i < to; i += step)`, and `i` afterwards. `to` is evaluated at each round. */
  loop(from: Expression, to: () => Expression, step: number, body: (i: Local) => void): Local {
    const [i, assign] = this.variable(this.wasm.i32);
    assign(from);
    this.loopOn(i, assign, to, step, body);
    return i;
  }

  /** Goes on with a variable that another loop has left. */
  loopOn(i: Local, assign: (value: Expression) => void, to: () => Expression, step: number, body: (i: Local) => void): void {
    const { m } = this;
    const label = `l${this.labels++}`;
    const inner = this.block(() => {
      body(i);
      assign(m.i32.add(i(), m.i32.const(step)));
      this.push(m.br(label, m.i32.lt_s(i(), to())));
    });
    this.push(m.if(m.i32.lt_s(i(), to()), m.loop(label, inner)));
  }

  /** At least once, and again while the condition holds. */
  repeat(body: () => void, again: () => Expression): void {
    const { m } = this;
    const label = `l${this.labels++}`;
    const inner = this.block(() => {
      body();
      this.push(m.br(label, again()));
    });
    this.push(m.loop(label, inner));
  }

  finish(name: string, result: Type = this.wasm.none): void {
    const { wasm, m } = this;
    m.addFunction(name, wasm.createType([...this.params]), result, this.types, m.block(null, this.statements));
  }
}
