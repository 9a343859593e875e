import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import { Manifest } from '../../../src/netboot/published/manifest.js';
import { silentLog } from '../../support/database.js';
import { closedThoughThrown } from '../../support/faults/silent-connection.js';
import { throwOnce } from '../../support/faults/throw-once.js';

/** @returns the port of an HTTP boot server that has no file */
async function start(): Promise<number> {
  const manifest = new Manifest([], { admits: async () => true, speaksFor: async () => true });
  const section = netbootSection.parse({ http: { listen: '127.0.0.1', port: 0 } });
  const server = new HttpBootServer(section, manifest, silentLog);
  await server.start();
  onTestFinished(() => server.stop());
  return server.port!;
}

it('a silent connection is closed although the handler of its timeout throws', async () => {
  expect(await closedThoughThrown('HTTP boot: silent connection', start)).toBe(true);
});

it('a connection that speaks no HTTP is closed although the handler of that throws', async () => {
  const { thrown } = throwOnce('HTTP boot: bad request');
  const port = await start();
  const socket = connect(port, '127.0.0.1', () => socket.write('no HTTP at all\r\n\r\n'));
  await once(socket.resume(), 'close');
  expect(thrown()).toBe(true);
});
