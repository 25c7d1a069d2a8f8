#!/usr/bin/env node
import { runCommandLine } from './cli/program.js';

runCommandLine(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  // Only a fault of ours arrives here: let Node print it whole.
  (fault: unknown) => {
    throw fault;
  },
);
