import { expect, it } from 'vitest';
import type { HeldPorts } from '../../../src/platform/held-ports.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { freePort } from '../../support/free-port.js';

it('a request during the start whose answer throws is cut, and the next is told to come again', async () => {
  const { thrown } = throwOnce('a port that is held');
  // Its handler is wrapped as the module is loaded: here a second time.
  const again = '../../../src/platform/held-ports.js?again';
  const module = (await import(again)) as { HeldPorts: new () => HeldPorts };
  const ports = new module.HeldPorts();
  const port = await freePort();
  await ports.hold([{ protocol: 'tcp', address: '127.0.0.1', port, key: 'api.listen' }]);
  const ask = () => fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  await expect(ask()).rejects.toThrow('fetch failed');
  expect(thrown()).toBe(true);
  expect((await ask()).status).toBe(503);
  await ports.release((error) => expect.fail(String(error)));
});
