import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import tls from 'node:tls';
import { expect, it } from 'vitest';
import { makeCertificate } from '../../../../agent/src/certificate.js';
import { redfishSection } from '../../../../src/config/section/redfish.js';
import { parseTarget } from '../../../../src/driver/redfish/target.js';
import { TrustStore } from '../../../../src/driver/redfish/trust.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

const ADDRESS = '127.0.0.1';
const { certificate, privateKey } = makeCertificate(ADDRESS, 'bmc');

const mute = () => createServer((socket) => socket.resume());
const answering = () => tls.createServer({ cert: certificate, key: privateKey });
const rude = () => createServer((socket) => socket.resume().end('no TLS at all'));

/** Asks twice; whoever hears of the end throws the first time. @param timeout ms */
async function askTwice(server: Server, timeout: number, abort?: AbortController) {
  let open = 0;
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--).on('error', () => undefined);
    if (abort) setTimeout(() => abort.abort(), 50);
  });
  server.listen(0, ADDRESS);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const info = { redfish_address: `https://${ADDRESS}:${port}`, redfish_system_id: '/x' };
  const store = new TrustStore(redfishSection.parse({}));
  const ask = () =>
    store
      .fingerprintOf(parseTarget(info, {}), timeout, abort?.signal ?? new AbortController().signal)
      .catch((error: Error) => error.message);
  const { thrown } = throwOnce('redfish: certificate');
  const first = await ask();
  expect(thrown()).toBe(true);
  await expect.poll(() => open).toBe(0);
  const second = abort ? null : await ask();
  store.close();
  server.close();
  return { first, second };
}

const FAULT = 'a fault on purpose: redfish: certificate';

it.each([
  ['has shown its certificate', answering, 5_000, /^[0-9a-f]{64}$/],
  ['is silent', mute, 100, /no answer/],
  ['speaks no TLS', rude, 5_000, /wrong version number|packet length/],
])(
  'a fault when the BMC %s fails that question alone, and closes its connection',
  async (_, bmc, timeout, next) => {
    const { first, second } = await askTwice(bmc(), timeout);
    expect(first).toBe(FAULT);
    expect(second).toMatch(next);
  },
);

it('a fault when the caller leaves ends the wait, too', async () => {
  expect((await askTwice(mute(), 60_000, new AbortController())).first).toBe(FAULT);
});
