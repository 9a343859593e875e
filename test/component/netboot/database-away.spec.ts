import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import { Manifest, publishedFiles } from '../../../src/netboot/published/manifest.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { PublishedFileRepository } from '../../../src/persistence/published-file/published-file.repository.js';
import { silentLog, startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';
import { onDisk } from '../../support/published.js';

let database: TestDatabase;
let http: HttpBootServer;
let tftp: TftpServer;
const directory = mkdtempSync(join(tmpdir(), 'ferric-away-'));
const NODE = '11111111-1111-4111-8111-111111111111';

beforeAll(async () => {
  database = await startTestDatabase();
  await database.source.query(
    `insert into node (uuid, driver, provision_state) values ($1, 'fake-hardware', 'deploying')`,
    [NODE],
  );
  const path = join(directory, 'kernel');
  writeFileSync(path, 'the kernel');
  const published = new PublishedFileRepository(database.source, testKeyring());
  const services = ['http', 'tftp'] as const;
  const files = services.map((service) => onDisk(service, 'kernel', path));
  await published.publish({ node_uuid: NODE, publisher: 'boot', life: 'node', conductor: 'here', files });
  const anybody = { admits: () => Promise.resolve(true), speaksFor: () => Promise.resolve(true) };
  const manifest = new Manifest([publishedFiles(published, [directory])], anybody);
  const section = netbootSection.parse({
    http: { listen: '127.0.0.1', port: 0 },
    tftp: { listen: '127.0.0.1', port: 0 },
  });
  http = new HttpBootServer(section, manifest, silentLog);
  await http.start();
  tftp = new TftpServer(section.tftp, manifest, silentLog);
  await tftp.start();
});
afterAll(async () => {
  await http?.stop();
  await tftp?.stop();
  await database?.stop();
  rmSync(directory, { recursive: true });
});

const byHttp = () => fetch(`http://127.0.0.1:${http.port}/kernel`);
const byTftp = () =>
  promisify(execFile)('curl', ['-sS', '--max-time', '30', `tftp://127.0.0.1:${tftp.port}/kernel`]).then(
    ({ stdout }) => stdout,
  );

describe('boot files while the database is away', () => {
  it('are served when it is back within seconds', async () => {
    await database.halt();
    const both = Promise.all([byHttp(), byTftp()]);
    await sleep(800);
    await database.resume();
    const [answer, text] = await both;
    expect([answer.status, await answer.text(), text]).toEqual([200, 'the kernel', 'the kernel']);
  });

  it('are served by a query that is cut', async () => {
    const locker = database.source.createQueryRunner();
    await locker.startTransaction();
    await locker.query(`lock table published_file in access exclusive mode`);
    const both = Promise.all([byHttp(), byTftp()]);
    const waiting = `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%published_file%'`;
    await expect.poll(() => database.source.query<unknown[]>(waiting)).toHaveLength(2);
    await database.source.query(`select pg_terminate_backend(pid) from (${waiting}) of`);
    await locker.rollbackTransaction();
    await locker.release();
    const [answer, text] = await both;
    expect([answer.status, text]).toEqual([200, 'the kernel']);
  });

  it('are to be asked for again when it stays away: 503 by HTTP, an error by TFTP', async () => {
    await database.halt();
    const [answer, failure] = await Promise.all([
      byHttp(),
      byTftp().catch((error: unknown) => String(error)),
    ]);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect(failure).toMatch(/curl/);
    await database.resume();
    expect((await byHttp()).status).toBe(200);
  });
});
