import { describe, expect, it } from 'vitest';
import { download } from '../../../../../agent/src/image/download.js';
import { FetchGuard } from '../../../../../agent/src/image/fetch-guard.js';

/** A label of 64 characters is no name of DNS (RFC 1035, 2.3.4): nobody is asked. */
const HOST = `${'x'.repeat(64)}.example.org`;
const RULES = {
  trusted: [],
  addresses: { allowedNetworks: [], refusedNetworks: [], ownEndpoints: [] },
};

const log = { say: () => undefined, detail: () => undefined };

const request = (guard: FetchGuard, more: object = {}) => ({
  imageId: 'one',
  urls: [`http://${HOST}/image`],
  proxy: {},
  guard,
  insecure: false,
  tlsMinVersion: 'TLSv1.2' as const,
  idleTimeout: 1,
  retries: 0,
  retryInterval: 0,
  maxDuration: 0,
  maxBytes: 1,
  limitName: 'the disk holds',
  ...more,
});
const sink = {
  write: async () => undefined,
  restart: async () => undefined,
  finish: async () => undefined,
};

describe('a name without an address', () => {
  it.each([
    ['by Ferric’s rules', RULES],
    ['without rules', undefined],
  ])('is said to be the machine’s failure (%s)', async (_, rules) => {
    await expect(
      download(request(new FetchGuard(rules)), 'sha256', sink, log, () => undefined),
    ).rejects.toThrow(`the machine could not resolve the name ${HOST} (E`);
  });
});

it('a proxy is no way to a refused address', async () => {
  const asked = request(new FetchGuard(RULES), {
    urls: ['http://192.0.2.1/image'],
    proxy: { http: 'http://127.0.0.1:9' },
  });
  await expect(download(asked, 'sha256', sink, log, () => undefined)).rejects.toThrow(
    'http://127.0.0.1:9 must not be fetched from: it is a loopback address',
  );
});
