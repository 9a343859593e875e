import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BasicAccess } from '../../../../src/api/auth/basic/basic-access.js';
import { BcryptThread } from '../../../../src/api/auth/basic/bcrypt-thread.js';
import { UserFile } from '../../../../src/api/auth/basic/user-file.js';
import { authSection } from '../../../../src/config/section/auth.js';
import { startApi } from '../../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';
import { collectedLog } from '../../../support/log.js';

const directory = mkdtempSync(join(tmpdir(), 'ferric-users-'));
const file = join(directory, 'htpasswd');
/** By `htpasswd -nbBC 4` and Python’s bcrypt. */
const ALICE = 'alice:$2y$04$Ke6lWhUcq/yCCRIhI9pKsu1H23NxsrQ1yqcNXWPYxf6P0ZO7ZQDSK'; // secret
const BOB = 'bob:$2b$04$avoYUd71x2.D2ZvdmVBpLeEUv.WDqq4UxOxv.oU2fxe9Q.PN6xiSm'; // pässwörd ☃
const X72 = '$2b$04$nb0t.8eS12isMD1mKNkju.b8r6t2FVFfyDwn4.R0ma1/RYBO1LcJm'; // 72 x

const login = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
const log = collectedLog();
/** Added to the clock, ms. */
let later = 0;
const now = () => performance.now() + later;
let access: BasicAccess;
beforeAll(async () => {
  writeFileSync(file, `${ALICE}\n${BOB}\n`);
  const users = new UserFile(file, log, now);
  await users.start();
  const settings = authSection.parse({ http_basic: { failures_per_minute: 3 } }).http_basic;
  access = new BasicAccess(users, settings, log, now);
  database = await startTestDatabase();
  server = await startApi(database, { access });
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
  rmSync(directory, { recursive: true });
});

const nodes = (headers: Record<string, string> = {}) => server.api.get('/v1/nodes', headers);

describe('http_basic', () => {
  it('lets users in, and records who did it', async () => {
    const { status } = await nodes(login('alice', 'secret'));
    expect(status).toBe(200);
    expect((await nodes(login('bob', 'pässwörd ☃'))).status).toBe(200);
    const created = await server.api
      .with(login('alice', 'secret'))
      .post('/v1/nodes', { driver: 'fake-hardware', driver_info: { ipmi_password: 'x' } });
    expect(created.status).toBe(201);
    expect(created.json.driver_info).toEqual({ ipmi_password: '******' });
    const api = server.api.with(login('alice', 'secret'));
    const manage = await api.put(`/v1/nodes/${created.json.uuid}/states/provision`, { target: 'manage' });
    expect(manage.status).toBe(202);
    const events = await database.source.query('select distinct user_name from event');
    expect(events).toContainEqual({ user_name: 'alice' });
  });

  it('answers others in Ironic’s words', async () => {
    const bare = await nodes();
    expect(bare.status).toBe(401);
    expect(bare.json).toEqual({ error: { message: 'Authorization required', code: 401 } });
    expect(bare.headers.get('www-authenticate')).toBe('Basic realm="Baremetal API"');
    for (const wrong of [login('alice', 'Secret'), login('mallory', 'secret'), login('alice', '')]) {
      const answer = await nodes(wrong);
      expect(answer.status).toBe(401);
      expect(answer.json).toEqual({ error: { message: 'Incorrect username or password', code: 401 } });
    }
    const malformed = await nodes({ authorization: 'Basic %' });
    expect([malformed.status, malformed.json]).toEqual([
      400,
      { error: { message: 'Could not decode authorization token', code: 400 } },
    ]);
  });

  it('asks nobody who they are where Ironic does not', async () => {
    for (const path of ['/', '/v1', '/healthcheck']) expect((await server.api.get(path)).status).toBe(200);
    expect((await server.api.get('/v1/lookup?addresses=52:54:00:00:00:01')).status).toBe(403);
    expect((await server.api.get('/v1/nosuch')).status).toBe(401);
    expect((await server.api.post('/v1/heartbeat/x', {})).status).toBe(403);
  });

  it('refuses before it takes a body', async () => {
    const answer = await server.api
      .put('/v1/nodes/x/states/provision', {
        target: 'active',
        configdrive: 'A'.repeat(30_000_000),
      })
      .catch((error: Error) => error);
    // Answered, or hung up on while the client was still sending.
    if (!(answer instanceof Error)) expect(answer.status).toBe(401);
  });

  it('stops an address that keeps guessing, and lets users that are known go on', async () => {
    expect((await nodes(login('bob', 'pässwörd ☃'))).status).toBe(200);
    later += 60_000 * 10; // whatever was guessed before is forgotten
    expect((await nodes(login('bob', 'pässwörd ☃'))).status).toBe(200);
    const guesses = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((guess) => nodes(login('bob', guess)).then(({ status }) => status)),
    );
    expect(guesses.toSorted()).toEqual([401, 401, 401, 429, 429]);
    const stopped = await nodes(login('bob', 'f'));
    expect(stopped.status).toBe(429);
    expect(stopped.headers.get('retry-after')).toBeNull();
    expect(stopped.fault).toMatch(/again in \d+ s/);
    expect((await nodes(login('bob', 'pässwörd ☃'))).status).toBe(200);
    expect((await nodes(login('alice', 'secret'))).status).toBe(200);
    later += 20_000;
    expect((await nodes(login('bob', 'g'))).status).toBe(401);
  });

  it('hears of changes to the file, and leaves a malformed line out', async () => {
    later += 60_000;
    const dave = ALICE.replace('alice', 'dave');
    writeFileSync(file, `${dave}\nbob:{SHA}canary-hash\n`);
    later += 1_100;
    expect((await nodes(login('dave', 'secret'))).status).toBe(200);
    expect((await nodes(login('alice', 'secret'))).status).toBe(401);
    expect((await nodes(login('bob', 'pässwörd ☃'))).status).toBe(401);
    expect(log.text()).toContain('line 2: the password of bob is not hashed with bcrypt');
    rmSync(file);
    later += 1_100;
    const away = await nodes(login('dave', 'secret'));
    expect([away.status, away.fault]).toEqual([503, 'The file of users cannot be read.']);
    writeFileSync(file, `${ALICE}\n${BOB}\n`);
    later += 1_100;
    expect((await nodes(login('alice', 'secret'))).status).toBe(200);
  });

  it('writes no password anywhere', () => {
    const text = log.text();
    expect(text).toContain('a login was refused');
    for (const secret of ['secret', 'pässwörd', 'canary', 'Basic ', '$2']) expect(text).not.toContain(secret);
  });
});

describe('bcrypt', () => {
  const thread = new BcryptThread();
  afterAll(() => thread.close());

  it.each([
    // crypt_blowfish’s own (wrapper.c).
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', true],
    ['U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK', true],
    ['U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a', true],
    ['U*U*V', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a', false],
    ['x'.repeat(72), X72, true],
    ['x'.repeat(71), X72, false],
    // What bcrypt does not look at.
    [`${'x'.repeat(72)}y`, X72, true],
    ['secret', `$2b$04$${'.'.repeat(53)}`, false],
  ])('of %j', async (password, hash, fits) => {
    expect(await thread.fits(password, hash)).toBe(fits);
  });

  it('hashes no password of a user at work again, and does after a pause', async () => {
    const hashed = vi.spyOn(BcryptThread.prototype, 'fits');
    const enter = async () => (await nodes(login('alice', 'secret'))).status;
    later += 3_600_000;
    expect(await enter()).toBe(200);
    for (let n = 0; n < 4; n++) {
      later += 50_000;
      expect(await enter()).toBe(200);
    }
    expect(hashed).toHaveBeenCalledTimes(1);
    later += 61_000;
    expect(await enter()).toBe(200);
    expect(hashed).toHaveBeenCalledTimes(2);
    hashed.mockRestore();
  });

  it('leaves the event loop alone', async () => {
    const dear = `$2b$12$${'.'.repeat(53)}`;
    let longest = 0;
    let before = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - before);
      before = performance.now();
    }, 5);
    const began = performance.now();
    await thread.fits('x', dear);
    const took = performance.now() - began;
    clearInterval(timer);
    expect(took).toBeGreaterThan(100);
    expect(longest).toBeLessThan(took / 2);
  });
});
