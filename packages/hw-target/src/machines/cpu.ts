import type { MachineInput } from '../description.js';

/**
 * One core of a desktop or server processor with AVX2: 48 KB L1 (64 bytes a cycle), 1.25 MB L2 (32), 24 MB of shared L3 (12), main
 * memory at about 12 GB/s for one core (4 at 3 GHz). Sizes and peak rates as in Intel's Optimization Reference Manual for Golden
 * Cove and its server variant; the sustained rates are two thirds of two 8-wide multiply-adds a cycle (integer: of 32). The cost of
 * starting a task is that of a function call with a cold branch history. A model of a kind of machine, not of one product.
 */
export const cpu: MachineInput = {
  name: 'cpu',
  title: 'one core with caches and large memory',
  sources: ['Intel 64 and IA-32 Architectures Optimization Reference Manual'],
  clockHz: 3e9,
  spaces: [
    {
      name: 'memory',
      bytes: null,
      align: 64,
      counted: true,
      bytesPerCycle: 4,
      caches: [
        { bytes: 48 * 1024, bytesPerCycle: 64 },
        { bytes: 1280 * 1024, bytesPerCycle: 32 },
        { bytes: 24 * 1024 * 1024, bytesPerCycle: 12 },
      ],
    },
  ],
  engines: [
    {
      name: 'core',
      runs: 'tasks',
      spaces: ['memory'],
      dispatchCycles: 150,
      macsPerCycle: { int: 21, float: 10.5 },
      pointsPerCycle: 4,
    },
  ],
  // As kernels over rows of pixels want them.
  storageOrders: { 4: [0, 2, 3, 1] },
};
