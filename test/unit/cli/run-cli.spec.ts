import { expect, test } from 'vitest';
import { EXIT_STATUSES } from '../../../cli/exit-status.js';
import { ferric } from '../../support/cli/command-line.js';

test('help goes to standard output, names every command and every exit status, and is no failure', async () => {
  const { status, stdout, stderr } = await ferric(['--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('image');
  for (const meaning of Object.values(EXIT_STATUSES)) expect(stdout).toContain(meaning);
});

test.each([
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['image', 'list', '--colour'], "unknown option '--colour'"],
])('%j is wrong use: status 2, and the mistake is named', async (args, said) => {
  const { status, stdout, stderr } = await ferric(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(said);
});

test.each([
  [{}, ['--endpoint', 'ftp://127.0.0.1'], 'not a URL of an endpoint: ftp://127.0.0.1'],
  [{ OS_AUTH_TYPE: 'http_basic', OS_USERNAME: 'me' }, [], 'OS_PASSWORD is not set'],
  [{ OS_AUTH_TYPE: 'v2token' }, [], 'OS_AUTH_TYPE v2token is not known'],
  [{ OS_ENDPOINT: 'http://127.0.0.1:1' }, [], 'GET http://127.0.0.1:1/v2/images?limit=200'],
])('no way to the daemon: status 6 (%j %j)', async (environment, args, said) => {
  const { status, stderr } = await ferric(['image', 'list', ...args], environment as Record<string, string>);
  expect(status).toBe(6);
  expect(stderr).toContain(said);
});
