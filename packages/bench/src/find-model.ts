import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The file of a model, in the first folder that has it. */
export function findModel(model: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, `${model}.onnx`)).find((file) => existsSync(file));
}
