import type { MachineInput } from '../description.js';

/**
 * STM32F746 (Cortex-M7 at 216 MHz). Memory: 320 KB of SRAM (64 KB DTCM + 240 KB + 16 KB) as one arena, 1 MB of flash (data sheet
 * DS10916). Buses: the core reaches SRAM1/2 over 32-bit AHB masters of its AXI bridge; flash lines are 256 bits at 7 wait states
 * above 210 MHz, so 32 bytes in 8 cycles (reference manual RM0385, sections 2.1 and 3.3); 4 KB of data cache.
 * Integer rate: CMSIS-NN (Lai, Suda and Chandra 2018, arXiv 1801.06601) runs a CIFAR-10 network of 24.7 M operations in
 * 99.1 ms on this part, which is 0.58 MAC a cycle. The float rate, points a cycle and dispatch are estimates, not measurements.
 */
export const cortexM7F746: MachineInput = {
  name: 'cortex-m7-f746',
  title: 'STM32F746: Cortex-M7 at 216 MHz, 320 KB SRAM, 1 MB flash',
  sources: ['ST DS10916', 'ST RM0385', 'arXiv 1801.06601'],
  clockHz: 216e6,
  spaces: [
    { name: 'sram', bytes: 320 * 1024, align: 4, counted: true, bytesPerCycle: 4, caches: [{ bytes: 4096, bytesPerCycle: 8 }] },
    { name: 'flash', bytes: 1024 * 1024, align: 4, bytesPerCycle: 4 },
  ],
  engines: [
    {
      name: 'core',
      runs: 'tasks',
      spaces: ['sram', 'flash'],
      dispatchCycles: 200,
      macsPerCycle: { int: 0.58, float: 0.4 },
      pointsPerCycle: 0.25,
    },
  ],
  home: { constant: 'flash' },
  // As CMSIS-NN reads them.
  storageOrders: { 4: [0, 2, 3, 1] },
};
