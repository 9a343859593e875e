import { expect, it } from 'vitest';
import { MetricsServer } from '../../../src/api/metrics/metrics-server.js';
import { Readiness } from '../../../src/api/metrics/readiness.js';
import { metricsSection } from '../../../src/config/section/metrics.js';
import { silentLog } from '../../support/database.js';
import { closedThoughThrown } from '../../support/faults/silent-connection.js';

it('a silent connection is closed although the handler of its timeout throws', async () => {
  const server = new MetricsServer({
    settings: metricsSection.parse({ listen: '127.0.0.1', port: 0, token: 'let-me-in' }),
    expose: async () => 'up 1\n',
    readiness: new Readiness(),
    log: silentLog,
  });
  const start = () => server.start().then(() => server.port!);
  expect(await closedThoughThrown('metrics: silent connection', start)).toBe(true);
  const live = await fetch(`http://127.0.0.1:${server.port}/livez`, { headers: { connection: 'close' } });
  expect(live.status).toBe(200);
  await server.stop();
});
