// An https API whose certificate a private authority has signed: from the ramdisk's files to the agent's requests.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as ask, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAuthorities } from '../../../agent/src/authorities.js';
import { authorityFiles } from '../../../src/protocol/agent/authority-files.js';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';
import { diskImage, sha256 } from '../../support/agent/disk-image.js';
import { type SecureServer, startSecureServer } from '../../support/private-authority.js';

const image = diskImage('gpt');
let root: string;
let test: AgentUnderTest;
let server: SecureServer;
let conductor: string;

/** TLS in front of the conductor, and an image server. */
const front: RequestListener = (request, response) => {
  if (request.url === '/disk.raw') {
    response.end(image);
    return;
  }
  const { method, headers } = request;
  const onward = ask(`${conductor}${request.url}`, { method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
};

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'authorities-'));
  server = await startSecureServer(front);
  test = await AgentUnderTest.prepare('http');
  conductor = test.conductor.url;
  test.machine.addDisk(`${test.dir}/disk`, 5 * 2 ** 30);
});
afterEach(async () => {
  await test.stop();
  await server.close();
  rmSync(root, { recursive: true });
});

/** Puts the files where a disc or an image brings them. */
function bring(pem: string): void {
  for (const [path, bytes] of authorityFiles(pem)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  }
}
const start = (more = '') =>
  test.start(`ipa-api-url=${server.url} ipa-insecure=0 ipa-lookup-timeout=2 ${more}`);

it('lookup, heartbeat and images are verified by the authority that the ramdisk brings', async () => {
  bring(readFileSync(server.authority, 'utf8'));
  test.authorities = readAuthorities(root);
  await start();
  expect(test.conductor.lookups).toHaveLength(1);
  expect(test.conductor.heartbeats).toHaveLength(1);
  const record = await test.writeImage({
    id: 'one',
    urls: [`${server.url}/disk.raw`],
    disk_format: 'raw',
    os_hash_algo: 'sha256',
    os_hash_value: sha256(image),
  });
  expect(record).toMatchObject({ command_status: 'SUCCEEDED' });
});

it('without it, or with another, no word is exchanged, and the agent tells why', async () => {
  expect(readAuthorities(root)).toBeUndefined();
  await expect(start()).rejects.toThrow('not found within 2 s');
  const other = await startSecureServer((_, response) => void response.end());
  bring(readFileSync(other.authority, 'utf8'));
  test.authorities = readAuthorities(root);
  await expect(start()).rejects.toThrow('not found within 2 s');
  await other.close();
  expect(test.conductor.lookups).toEqual([]);
  expect(test.lines.filter((line) => /lookup: unreachable: .*certificate/.test(line)).length).toBeGreaterThan(
    1,
  );
});

it.each([
  ['a file that is not there', (path: string) => rmSync(path), /cafile = .*ironic\.crt .*cannot be read/],
  ['a file without a certificate', (path: string) => writeFileSync(path, 'no'), /holds no certificate/],
])('%s stops the agent with a sentence', (_, spoil, message) => {
  bring('PEM');
  spoil(join(root, 'etc/ironic-python-agent/ironic.crt'));
  expect(() => readAuthorities(root)).toThrow(message);
});
