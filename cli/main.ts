#!/usr/bin/env node
import { constants } from 'node:os';
import { runCli } from './run-cli.js';

// The first signal aborts the work, which then cleans up; further signals change nothing.
const given = new AbortController();
let ended: number | undefined;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (ended !== undefined) {
      process.stderr.write('ferric: still clearing up\n');
      return;
    }
    ended = 128 + constants.signals[name];
    given.abort();
  });
}
const { stdout, stderr, env } = process;
// EPIPE: the reader has closed the pipe (`ferric ... | head`). The work ends as by SIGPIPE, without a message.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    ended ??= 128 + constants.signals.SIGPIPE;
    given.abort();
  });
}
const status = await runCli(process.argv.slice(2), {
  get stdin() {
    return process.stdin; // made when a command reads it
  },
  stdout,
  stderr,
  environment: env,
  signal: given.signal,
  retryFor: 20_000, // a restart takes a few seconds
});
process.exitCode = ended !== undefined && (status === 130 || stdout.errored) ? ended : status;
