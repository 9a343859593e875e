// Debian's gophercloud, unmodified, in a small Go program of ours: the calls of its bare metal acceptance tests.
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
import { DaemonHome } from '../support/daemon.js';

/** A Go toolchain as it comes by npm, for those who have none: a quarter of the size of Debian's. */
const GO = resolve('node_modules/@ttsc/linux-x64/bin/go/bin/go');
const LIBRARY = '/usr/share/gocode';
const WORK = resolve('var/test/gophercloud');

let home: DaemonHome;
let results: Record<string, string>;

beforeAll(async () => {
  expect([GO, existsSync(GO)]).toEqual([GO, true]);
  mkdirSync(WORK, { recursive: true });
  const program = resolve(WORK, 'calls');
  await runCommand({
    file: GO,
    args: ['build', '-o', program, resolve('test/contract/go/calls.go')],
    env: {
      PATH: '/usr/bin:/bin',
      HOME: WORK,
      // Debian's libraries stand in a GOPATH, and are no modules.
      GO111MODULE: 'off',
      GOPATH: LIBRARY,
      GOCACHE: resolve(WORK, 'cache'),
      GOTOOLCHAIN: 'local',
    },
    timeout: 300_000,
    maxOutput: 1 << 20,
  });
  home = new DaemonHome();
  const { url } = await home.start();
  const { stdout } = await runCommand({
    file: program,
    args: [],
    env: { OS_ENDPOINT: url },
    timeout: 120_000,
    maxOutput: 1 << 20,
  });
  results = JSON.parse(stdout) as Record<string, string>;
}, 500_000);
afterAll(() => home?.remove());

it('every call of gophercloud is answered as it expects', () => {
  expect(Object.keys(results).length).toBeGreaterThan(25);
  expect(Object.entries(results).filter(([, said]) => said !== 'OK')).toEqual([]);
});
