import { PluginError, RegrainError } from '../errors.js';

/**
 * Runs a plugin's code. What it throws on purpose (a RegrainError) and an abort pass; anything else is its fault and says so, with
 * the cause kept.
 */
export async function blame<T>(plugin: string, signal: AbortSignal, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RegrainError || (signal.aborted && error === signal.reason)) throw error;
    const message = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);
    throw new PluginError(plugin, `it threw ${message}`, error);
  }
}
