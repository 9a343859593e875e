import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ferric } from '../../support/cli/command-line.js';
import { freePort } from '../../support/free-port.js';

const home = mkdtempSync(join(tmpdir(), 'ferric-ironic-agent-'));
const asked: string[] = [];
let server: Server;
let url: string;
let nobody: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    response.writeHead(request.url!.startsWith('/absent') ? 404 : 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  nobody = `http://127.0.0.1:${await freePort()}`;
});
afterAll(() => {
  server.close();
  rmSync(home, { recursive: true });
});

const build = (agent: string, requirements: string, packages: string) =>
  ferric(['image', 'build', 'deploy', '--agent', 'ironic', '-o', join(home, 'ipa')], {
    DIB_REPOLOCATION_ironic_python_agent: agent,
    DIB_REPOLOCATION_requirements: requirements,
    DIB_PYPI_MIRROR_URL: packages,
  });

describe('ferric image build deploy --agent ironic', () => {
  test('names every source that can’t be reached, and the variable that names another', async () => {
    const { status, stdout, stderr } = await build(`${nobody}/agent`, '/no/such/clone', `${url}/absent`);
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
    expect(stderr).toContain(
      `the source of ironic-python-agent can't be reached: tried ${nobody}/agent/info/refs?service=git-upload-pack: `,
    );
    expect(stderr).toMatch(/ECONNREFUSED.* \(DIB_REPOLOCATION_ironic_python_agent names another place\)/);
    expect(stderr).toContain(
      'there is no /no/such/clone (DIB_REPOLOCATION_requirements names another place)',
    );
    expect(stderr).toContain(
      `tried ${url}/absent/oslo.config/: status 404 (DIB_PYPI_MIRROR_URL names another place)`,
    );
    expect(readdirSync(home)).toEqual([]);
  });

  test('with its sources there, names the element that is not', async () => {
    asked.length = 0;
    const { status, stderr } = await build(`${url}/agent`, `${url}/requirements`, `${url}/simple/`);
    expect(status).toBe(4);
    expect(stderr).toContain('the element ironic-python-agent-ramdisk (ironic-python-agent-builder');
    expect(stderr).not.toContain('ironic-python-agent can');
    expect(asked.sort()).toEqual([
      '/agent/info/refs?service=git-upload-pack',
      '/requirements/info/refs?service=git-upload-pack',
      '/simple/oslo.config/',
    ]);
    expect(readdirSync(home)).toEqual([]);
  });
});
