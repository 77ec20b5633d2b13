import { MEMORY_REFERENCES } from './memory-references.js';

/** All models that suites run, with the arguments that freeze their open dimensions. */
export const MODELS: readonly { readonly model: string; readonly freeze: readonly string[] }[] = [
  ...MEMORY_REFERENCES.map(({ model, freeze }) => ({ model, freeze })),
  { model: 'mnist_opt', freeze: [] },
];
