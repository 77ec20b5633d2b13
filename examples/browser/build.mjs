// Compiles the model, bundles the page, and with --serve shows it: `node examples/browser/build.mjs --serve`.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const top = join(here, '../..');
const out = join(here, 'dist');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' };

export async function buildPage() {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const command = [join(top, 'packages/cli/dist/regrain.js'), 'compile', join(top, 'examples/models/mnist_opt.onnx'), '--target', 'wasm'];
  const { status, stderr } = spawnSync(process.execPath, [...command, '--out', join(out, 'plan')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  // What only Node needs is imported where it is needed, and never here.
  await build({
    entryPoints: [join(here, 'main.js')],
    outfile: join(out, 'main.js'),
    bundle: true,
    format: 'esm',
    minify: true,
    external: ['node:*'],
  });
  copyFileSync(join(here, 'index.html'), join(out, 'index.html'));
  return out;
}

/** Serves the built page; resolves to its server. */
export function serve(port = 0) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname).replace(/^(\.\.[/\\])+/, '');
    const file = join(out, path === '/' ? 'index.html' : path);
    try {
      const bytes = readFileSync(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

if (process.argv.includes('--serve')) {
  await buildPage();
  const server = await serve(8080);
  console.log(`http://127.0.0.1:${server.address().port}/`);
}
