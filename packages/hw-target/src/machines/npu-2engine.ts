import type { MachineInput } from '../description.js';

/**
 * A generic accelerator at 1 GHz: two equal compute engines of 256 MACs, a 1 MiB scratchpad in eight banks, DRAM at 16 GB/s behind
 * a queue of transfers. Not a product; it stands for machines on which waits between engines and the choice of what stays on chip
 * matter. The start of a transfer is that of a NeuronCore-v2 queue (AWS Neuron documentation: about 1.3 µs).
 */
export const npu2Engine: MachineInput = {
  name: 'npu-2engine',
  title: 'generic accelerator: two compute engines, a transfer queue, 1 MiB scratchpad, DRAM',
  sources: ['AWS Neuron documentation: DMA start of 1,300 ns'],
  clockHz: 1e9,
  spaces: [
    { name: 'scratchpad', bytes: 1024 * 1024, align: 32, counted: true, bytesPerCycle: 64, banks: 8 },
    { name: 'dram', bytes: null, align: 64, bytesPerCycle: 16 },
  ],
  engines: [
    compute('pe0'),
    compute('pe1'),
    {
      name: 'dma',
      runs: 'moves',
      spaces: ['scratchpad', 'dram'],
      startCycles: 1300,
      bytesPerCycle: 16,
      descriptorCycles: 8,
      descriptorDimensions: 2,
    },
  ],
  home: { constant: 'dram' },
};

function compute(name: string) {
  return {
    name,
    runs: 'tasks' as const,
    spaces: ['scratchpad', 'dram'],
    dispatchCycles: 64,
    macsPerCycle: { int: 256, float: 64 },
    pointsPerCycle: 16,
  };
}
