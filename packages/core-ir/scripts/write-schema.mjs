// Writes schema/regrain.plan.1.json from the zod schema of the plan format. Run after `npm run build`, then `npm run format`; a test says when it is due.
import { writeFileSync } from 'node:fs';
import { planJsonSchema } from '../dist/index.js';

writeFileSync(new URL('../schema/regrain.plan.1.json', import.meta.url), `${JSON.stringify(planJsonSchema(), null, 2)}\n`);
