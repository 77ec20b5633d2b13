import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, checkNode, node, npm, root, say } from './workspace.mjs';

/** Installs and builds what is missing or out of date, and says so; silent and quick where nothing is to do. */
export function setUp() {
  checkNode();
  install();
  build();
}

/** `npm ci`, if what lies in node_modules is not what the lock file asks for. */
export function install() {
  const reason = whyInstall();
  if (!reason) return;
  say(`Installing dependencies with npm ci (${reason}) …`);
  const code = npm(['ci', '--no-audit', '--no-fund']);
  if (code !== 0) {
    say(`npm ci failed with code ${code}; its messages are above.`);
    process.exit(1);
  }
}

function whyInstall() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return 'nothing is installed yet';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const found = present[path];
    // Packages for other platforms are rightly absent.
    if (!found && (entry.optional || entry.devOptional || entry.peer)) continue;
    if (!found || found.version !== entry.version || !existsSync(join(root, path)))
      return `${path.slice(13)} is missing or of another version`;
  }
  return undefined;
}

/** The command and all it is made of, by Nx; skipped where the sources are those of the last build. */
export function build() {
  const stamp = join(root, 'packages', 'cli', 'dist', '.sources');
  const hash = hashSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && allBuilt()) return;
  say('Building with nx …');
  const code = node(bin('nx'), ['run-many', '-t', 'build', '-p', '@regrain/cli', '--outputStyle=static'], { stdio: ['ignore', 2, 2] });
  if (code !== 0) {
    say(`The build failed with code ${code}; its messages are above.`);
    process.exit(1);
  }
  writeFileSync(stamp, hash);
}

function packages() {
  const folder = join(root, 'packages');
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(path, 'package.json')))
    .sort();
}

function allBuilt() {
  return packages().every((path) => existsSync(join(path, 'dist', 'index.js')));
}

/** Over everything that a build reads. Tests are not part of it. */
function hashSources() {
  const hash = createHash('sha256');
  const add = (path) => hash.update(path.slice(root.length)).update(readFileSync(path));
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (!entry.name.endsWith('.spec.ts')) add(path);
    }
  };
  for (const file of ['package-lock.json', 'tsconfig.base.json', 'tsup.base.ts']) add(join(root, file));
  for (const path of packages()) {
    for (const file of ['package.json', 'tsup.config.ts']) if (existsSync(join(path, file))) add(join(path, file));
    walk(join(path, 'src'));
  }
  return hash.digest('hex');
}
