import { z } from 'zod';

/** Inject this to get the contribution's own options, parsed by its schema: `constructor(@inject(PluginOptions) options: MyOptions)`. */
export const PluginOptions = Symbol.for('regrain.PluginOptions');

/** For a contribution that has none. */
export const noOptions = z.strictObject({});
