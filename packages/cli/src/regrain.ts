#!/usr/bin/env node
import 'reflect-metadata';
import { openTerminal } from './output/terminal.js';
import { run } from './run.js';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

// The exit code is set, never forced, so that everything written to a pipe gets there.
process.exitCode = await run(process.argv.slice(2), openTerminal());
