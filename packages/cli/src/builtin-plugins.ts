import { plugin as adjuster } from '@regrain/adjuster';
import { plugin as allocator } from '@regrain/allocator';
import type { Plugin } from '@regrain/core-ir';
import { plugin as decompose } from '@regrain/decompose';
import { plugin as depgraph } from '@regrain/depgraph';
import { plugin as frontendOnnx } from '@regrain/frontend-onnx';
import { plugin as frontendTrace } from '@regrain/frontend-trace';
import { plugin as hwTarget } from '@regrain/hw-target';
import { plugin as hwWasm } from '@regrain/hw-wasm';
import { plugin as scheduler } from '@regrain/scheduler';
import { plugin as testkit } from '@regrain/testkit';

/** What the command brings; a config file adds to it. */
export const BUILTIN_PLUGINS: readonly Plugin[] = [
  frontendTrace,
  frontendOnnx,
  decompose,
  depgraph,
  scheduler,
  allocator,
  adjuster,
  hwTarget,
  hwWasm,
  testkit,
];
