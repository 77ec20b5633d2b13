import type { Program } from '@regrain/core-ir';
import { NetworkBuilder } from './network-builder.js';

/** An inverted residual: input channels, output channels, expansion, stride and side of the depthwise kernel. */
export type Block = readonly [input: number, output: number, expansion: number, stride: number, kernel: number];

export interface Network {
  /** Height, width, channels. */
  readonly input: readonly [number, number, number];
  readonly stem: { readonly conv: Block | readonly number[]; readonly separable?: readonly number[] };
  readonly blocks: readonly Block[];
  readonly tail: {
    readonly pointwise?: readonly [number, number];
    readonly globalPool: boolean;
    readonly dense: readonly [number, number];
  };
}

/** A network of inverted residuals (MobileNetV2, MCUNet) as a program. */
export function networkProgram(name: string, network: Network): Program {
  const [h, w, c] = network.input;
  const build = new NetworkBuilder(name, [1, c, h, w]);
  const [, channels, kernel, stride] = network.stem.conv;
  let x = build.conv(build.input, channels, kernel, stride);
  if (network.stem.separable) {
    const [, output, side, step] = network.stem.separable;
    x = build.conv(build.depthwise(x, side, step), output, 1);
  }
  for (const [input, output, expansion, step, side] of network.blocks) {
    const expanded = expansion === 1 ? x : build.conv(x, input * expansion, 1);
    const projected = build.conv(build.depthwise(expanded, side, step), output, 1);
    x = step === 1 && input === output ? build.add(projected, x) : projected;
  }
  if (network.tail.pointwise) x = build.conv(x, network.tail.pointwise[1], 1);
  return build.build(build.dense(build.globalPool(x), network.tail.dense[1]));
}
