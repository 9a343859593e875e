import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ferric } from '../../support/cli/command-line.js';
import { freePort } from '../../support/free-port.js';

const home = mkdtempSync(join(tmpdir(), 'ferric-source-'));
afterAll(() => rmSync(home, { recursive: true }));

test.each([
  ['debian', 'bookworm', 'dists/bookworm/InRelease'],
  ['ubuntu-minimal', 'jammy', 'dists/jammy/Release'],
])(
  '%s that can’t be reached is refused with status 5, naming what was tried',
  async (distro, release, path) => {
    const mirror = `http://127.0.0.1:${await freePort()}/archive`;
    const { status, stdout, stderr } = await ferric([
      ...['image', 'build', 'user', '--type', 'partition', '--distro', distro, '--release', release],
      ...['--mirror', mirror, '--scratch', join(home, 'scratch'), '-o', join(home, 'image')],
    ]);
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
    expect(stderr).toContain(`tried ${mirror}/${path}: `);
    expect(existsSync(join(home, 'image.qcow2'))).toBe(false);
  },
);
