import type { MachineInput } from '../description.js';

/**
 * Arm Ethos-U55 with 128 MACs a cycle (int8) in the High-End Embedded system of Arm's Vela configuration (vela.ini): 500 MHz, SRAM
 * 4 GB/s (8 bytes a cycle), off-chip flash 0.5 GB/s (1 byte a cycle) for constants. What does not fit the SRAM goes to DRAM of
 * 3.75 GB/s (7.5 bytes a cycle, 500 cycles of latency), which the same file gives to the U65 Mid-End system of that clock. The SRAM's
 * 2 MiB is a common size beside this core, not a property of it. The core has no float unit: float models are charged as if each
 * MAC took four integer ones. Dispatch (a handful of register writes and the pipeline's fill) is an estimate.
 */
export const ethosU55x128: MachineInput = {
  name: 'ethos-u55-128',
  title: 'Arm Ethos-U55, 128 MACs a cycle at 500 MHz, 2 MiB SRAM, DRAM, constants in flash',
  sources: ['Arm Vela: config_files/Arm/vela.ini, Ethos_U55_High_End_Embedded and Ethos_U65_Mid_End'],
  clockHz: 500e6,
  spaces: [
    { name: 'sram', bytes: 2 * 1024 * 1024, align: 16, counted: true, bytesPerCycle: 8 },
    { name: 'dram', bytes: null, align: 16, bytesPerCycle: 7.5 },
    { name: 'flash', bytes: null, align: 16, bytesPerCycle: 1 },
  ],
  engines: [
    {
      name: 'npu',
      runs: 'tasks',
      spaces: ['sram', 'dram', 'flash'],
      dispatchCycles: 100,
      macsPerCycle: { int: 128, float: 32 },
      pointsPerCycle: 1,
    },
    {
      name: 'dma',
      runs: 'moves',
      spaces: ['sram', 'dram'],
      startCycles: 500,
      bytesPerCycle: 8,
      descriptorCycles: 16,
      descriptorDimensions: 1,
    },
  ],
  home: { constant: 'flash' },
  // Its tensors are NHWC (or bricks of 16 channels).
  storageOrders: { 4: [0, 2, 3, 1] },
};
