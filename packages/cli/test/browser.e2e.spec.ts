import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { load } from '@regrain/hw-wasm';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example } from './regrain.js';

/** Debian's Chromium, or another by the environment. */
const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => path && existsSync(path));

interface Page {
  buildPage(): Promise<string>;
  serve(port?: number): Promise<Server>;
}

describe.skipIf(!executablePath)('the example page (needs Chromium)', () => {
  let browser: Browser;
  let server: Server;
  let folder: string;

  beforeAll(async () => {
    const page = (await import(example('browser', 'build.mjs'))) as Page;
    folder = await page.buildPage();
    server = await page.serve();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('computes in Chromium, to the bit, what the same plan computes in Node', async () => {
    const values = Array.from({ length: 784 }, (_, k) => (k * 37) % 256);
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForSelector('.bar.best');
    expect(await page.textContent('#status')).toMatch(
      /arena \d+\.\d KiB; behind it \d+\.\d KiB of packed constants, tables and descriptors/,
    );
    // The page begins with a seven.
    expect(await page.textContent('.bar.best span')).toBe('7');
    const inChromium = await page.evaluate(
      (picture) => (globalThis as unknown as { runModel(values: number[]): Promise<number[]> }).runModel(picture),
      values,
    );
    const file = (name: string): Buffer => readFileSync(join(folder, 'plan', name));
    const session = await load({
      plan: file('plan.json').toString('utf8'),
      constants: file('plan.bin'),
      module: file('plan.wasm'),
      manifest: file('plan.wasm.json').toString('utf8'),
      data: file('plan.wasm.bin'),
    });
    const outputs = await session.run(new Map([['Input3', { dtype: 'float32', shape: [1, 1, 28, 28], data: Float32Array.from(values) }]]));
    expect(inChromium).toEqual(Array.from([...outputs.values()][0].data));
    expect(errors).toEqual([]);
    // What a page does with an input that does not fit.
    const complaint = await page.evaluate(() =>
      (globalThis as unknown as { runModel(values: number[]): Promise<number[]> }).runModel([1, 2]).catch((error: Error) => error.message),
    );
    expect(complaint).toBe('input Input3 of mnist_opt is float32 [1, 1, 28, 28], not 2 elements');
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
  }, 60_000);

  it('carries the runtime, not the compiler', () => {
    const bundle = readFileSync(join(folder, 'main.js'), 'utf8');
    for (const library of ['binaryen', 'zod', 'inversify', 'reflect-metadata']) expect(bundle).not.toContain(library);
    expect(bundle.length).toBeLessThan(64_000);
    expect(execFileSync(process.execPath, ['--check', join(folder, 'main.js')], { encoding: 'utf8' })).toBe('');
  });
});
