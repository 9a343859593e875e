import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ferric } from '../../support/cli/command-line.js';
import { type Glance, startGlance } from '../../support/glance.js';

let glance: Glance;
const home = mkdtempSync(join(tmpdir(), 'ferric-image-api-'));
beforeAll(async () => {
  glance = await startGlance();
});
afterAll(async () => {
  await glance?.stop();
  rmSync(home, { recursive: true });
});

test('image list shows what Debian’s Image service has', async () => {
  const file = join(home, 'a.img');
  writeFileSync(file, Buffer.alloc(3 * 1024 * 1024, 7));
  await glance.openstack(
    'create',
    'mine',
    '--disk-format',
    'raw',
    '--container-format',
    'bare',
    '--file',
    file,
  );
  const { status, stdout, stderr } = await ferric(['image', 'list'], { OS_ENDPOINT: `${glance.url}/v2` });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^ID +Name +Format +Size +Status\n[0-9a-f-]{36} +mine +raw +3.0 MiB +active\n$/);
  const json = await ferric(['image', 'list', '--json', '--endpoint', glance.url]);
  expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'mine', size: 3 * 1024 * 1024, status: 'active' }]);
});
