import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PublishedSweep } from '../../../../src/netboot/published/sweep.js';
import { NodeRepository } from '../../../../src/persistence/node/node.repository.js';
import type { Publication } from '../../../../src/persistence/published-file/publication.js';
import { PublishedFileRepository } from '../../../../src/persistence/published-file/published-file.repository.js';
import { silentLog, startTestDatabase, type TestDatabase, testKeyring } from '../../../support/database.js';
import { onDisk } from '../../../support/published.js';

let database: TestDatabase;
let published: PublishedFileRepository;
let root: string;
beforeAll(async () => {
  database = await startTestDatabase();
  published = new PublishedFileRepository(database.source, testKeyring());
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  root = mkdtempSync(join(tmpdir(), 'ferric-published-'));
  return () => rmSync(root, { recursive: true, force: true });
});

async function aNode(): Promise<string> {
  const nodes = new NodeRepository(database.source, testKeyring());
  return (await nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll' })).uuid;
}
/** An open operation of a node. */
async function open(node_uuid: string, kind = 'deploy'): Promise<string> {
  const uuid = randomUUID();
  await database.source.query(
    `insert into operation (uuid, node_uuid, kind, state, conductor) values ($1, $2, $3, 'running', 'here')`,
    [uuid, node_uuid, kind],
  );
  return uuid;
}
const finish = (uuid: string) =>
  database.source.query(`update operation set finished_at = now() where uuid = $1`, [uuid]);
const boot = (node_uuid: string, change: Partial<Publication> = {}): Publication => ({
  node_uuid,
  publisher: 'boot',
  life: 'node',
  conductor: 'here',
  files: [onDisk('http', 'config', '/srv/a/config'), onDisk('tftp', `${node_uuid}/kernel`, '/srv/a/kernel')],
  ...change,
});
const nameOf = async (name: string) => (await published.find('http', name))?.node_uuid;

describe('published files', () => {
  it('are found by their exact name and service, and by nothing else', async () => {
    const uuid = await aNode();
    await published.publish(boot(uuid));
    expect(await published.find('tftp', `${uuid}/kernel`)).toEqual({
      service: 'tftp',
      name: `${uuid}/kernel`,
      node_uuid: uuid,
      for_machine: true,
      for_addresses: [],
      created_at: expect.any(Date) as Date,
      kind: 'file',
      path: '/srv/a/kernel',
    });
    for (const name of ['', '/', '/config', 'CONFIG', 'config/', '%', `${uuid}/kernel`]) {
      expect(await published.find('http', name)).toBeNull();
    }
  });

  it('keep count of the bytes that were fetched, anew with each publication', async () => {
    const uuid = await aNode();
    expect(await published.fetchedOf(uuid, 'boot')).toBeNull();
    await published.publish(boot(uuid));
    expect(await published.fetchedOf(uuid, 'boot')).toBe(0);
    await published.noteFetched([
      { service: 'http', name: 'config', bytes: 5_000_000_000 },
      { service: 'tftp', name: `${uuid}/kernel`, bytes: 7 },
      { service: 'http', name: 'nobody’s', bytes: 9 },
    ]);
    expect(await published.fetchedOf(uuid, 'boot')).toBe(5_000_000_007);
    await published.publish(boot(uuid));
    expect(await published.fetchedOf(uuid, 'boot')).toBe(0);
  });

  it('of one publisher are replaced as a whole, and leave those of another alone', async () => {
    const uuid = await aNode();
    await open(uuid);
    await published.publish(boot(uuid));
    const image = boot(uuid, {
      publisher: 'image',
      life: 'operation',
      files: [onDisk('http', 'image', '/i')],
    });
    await published.publish(image);
    await published.publish(boot(uuid, { files: [onDisk('http', 'config', '/srv/b')] }));
    expect(await published.of(uuid, 'boot')).toEqual([onDisk('http', 'config', '/srv/b')]);
    expect(await published.find('tftp', `${uuid}/kernel`)).toBeNull();
    expect(await nameOf('image')).toBe(uuid);
    await published.withdraw(uuid, 'boot');
    expect([await nameOf('config'), await nameOf('image')]).toEqual([undefined, uuid]);
    await database.source.query(`delete from node where uuid = $1`, [uuid]);
    expect(await nameOf('image')).toBeUndefined();
  });

  it('pass to whoever publishes the name last', async () => {
    const [old, fresh] = [await aNode(), await aNode()];
    await published.publish(boot(old));
    await published.publish(boot(fresh));
    expect(await nameOf('config')).toBe(fresh);
    // What the other one withdraws then is no longer its own.
    await published.withdraw(old, 'boot');
    expect(await nameOf('config')).toBe(fresh);
  });

  it('survive being published by many at once', async () => {
    const uuids = await Promise.all([aNode(), aNode(), aNode()]);
    const names = ['a', 'b', 'c', 'd'].map((name) => onDisk('http', name, '/x'));
    const files = (i: number) => (i % 2 ? names : names.toReversed());
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => published.publish(boot(uuids[i % 3]!, { files: files(i) }))),
    );
    const rows = await database.source.query<unknown[]>(`select from published_file`);
    expect(rows).toHaveLength(4);
  });

  it('of an operation are gone with it, though nobody withdrew them', async () => {
    const uuid = await aNode();
    const image = boot(uuid, {
      publisher: 'image',
      life: 'operation',
      files: [onDisk('http', 'image', '/i')],
    });
    // A power action is no work to publish for.
    await open(uuid, 'power');
    await expect(published.publish(image)).rejects.toMatchObject({ code: 'conflict' });
    const operation = await open(uuid);
    await published.publish(image);
    expect(await nameOf('image')).toBe(uuid);
    await finish(operation);
    expect(await nameOf('image')).toBeUndefined();
  });

  it('live no longer than their time', async () => {
    const uuid = await aNode();
    await published.publish(boot(uuid, { seconds: 600 }));
    expect(await nameOf('config')).toBe(uuid);
    await published.publish(boot(uuid, { seconds: 0 }));
    expect(await nameOf('config')).toBeUndefined();
  });

  it('may be generated, with a size that is known, for addresses of their own', async () => {
    const uuid = await aNode();
    const segments = [{ bytes: 'aGVhZA==' }, { zeros: 4 }, { path: '/srv/kernel', start: 7, length: 9 }];
    const readers = { machine: false, addresses: ['::ffff:10.0.0.9', '2001:DB8::1'] };
    const content = { kind: 'generated' as const, segments };
    await published.publish(boot(uuid, { readers, files: [{ service: 'http', name: 'm.iso', content }] }));
    expect(await published.find('http', 'm.iso')).toMatchObject({
      kind: 'generated',
      size: 17,
      segments,
      for_machine: false,
      for_addresses: ['10.0.0.9', '2001:db8::1'],
    });
    expect(await published.of(uuid, 'boot')).toEqual([{ service: 'http', name: 'm.iso', content }]);
  });

  it('have their inline bytes sealed for their own row, since a disc holds the token of its agent', async () => {
    const token = Buffer.from('ipa-agent-token=of-this-disc').toString('base64');
    const content = { kind: 'generated' as const, segments: [{ bytes: token }] };
    const files = [{ service: 'http' as const, name: 'one.iso', content }];
    await published.publish(boot(await aNode(), { files }));
    const rows = await database.source.query<object[]>(`select * from published_file`);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token);
    await database.source.query(`update published_file set name = 'two.iso'`);
    await expect(published.find('http', 'two.iso')).rejects.toThrow('two.iso');
  });

  it('of an earlier Ferric, which are in clear, are served until they end', async () => {
    const segments = [{ zeros: 4 }];
    const files = [
      { service: 'http' as const, name: 'm.iso', content: { kind: 'generated' as const, segments } },
    ];
    await published.publish(boot(await aNode(), { files }));
    await database.source.query(`update published_file set segments = $1::jsonb`, [JSON.stringify(segments)]);
    expect(await published.find('http', 'm.iso')).toMatchObject({ segments });
  });

  it.each(['', '/a', 'a/../b', 'a//b', '.', 'a b', 'a\\b', 'a\nb', 'a\0b', 'a/'])(
    'do not take the name %j',
    async (name) => {
      const files = [onDisk('http', name, '/x')];
      await expect(published.publish(boot(await aNode(), { files }))).rejects.toMatchObject({
        code: 'invalid',
      });
    },
  );

  it('do not take a relative path, a name twice, an address that is none, or segments that are none', async () => {
    const uuid = await aNode();
    const generated = (segment: object) => ({
      files: [
        {
          service: 'http' as const,
          name: 'x',
          content: { kind: 'generated' as const, segments: [segment as never] },
        },
      ],
    });
    const good = onDisk('http', 'x', '/x');
    for (const change of [
      { files: [onDisk('http', 'x', 'x')] },
      { files: [good, good] },
      { files: [good], readers: { machine: true, addresses: ['bmc.example'] } },
      generated({ zeros: -1 }),
      generated({ path: 'x', start: 0, length: 1 }),
      generated({ path: '/x', start: 0.5, length: 1 }),
      generated({ bytes: Buffer.alloc(300 * 1024).toString('base64') }),
    ]) {
      await expect(published.publish(boot(uuid, change))).rejects.toMatchObject({ code: 'invalid' });
    }
  });
});

describe('the sweep of published files', () => {
  const sweep = (page = 500) =>
    new PublishedSweep(published, { conductor: 'here', silence: 60, roots: [root], log: silentLog, page });
  const rows = async () =>
    (await database.source.query<{ name: string }[]>(`select name from published_file order by name`)).map(
      (row) => row.name,
    );
  function file(name: string): string {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, name);
    return path;
  }

  it('takes what ended with its file, more than a page of it, and leaves what lives', async () => {
    const paths: string[] = [];
    for (let i = 0; i < 7; i++) {
      const uuid = await aNode();
      const operation = await open(uuid);
      const path = file(`agent_images/${uuid}/image${i}`);
      if (i < 6) paths.push(path);
      await published.publish(
        boot(uuid, { publisher: 'image', life: 'operation', files: [onDisk('http', `image${i}`, path)] }),
      );
      if (i < 6) await finish(operation);
    }
    expect(await sweep(2).run()).toBe(6);
    expect(await rows()).toEqual(['image6']);
    for (const path of paths) expect([existsSync(path), existsSync(dirname(path))]).toEqual([false, false]);
    expect(await sweep(2).run()).toBe(0);
  });

  it('takes no file that another entry names, or that is not below a boot root', async () => {
    const uuid = await aNode();
    const shared = file('kernel');
    const outside = file('../outside');
    await published.publish(boot(uuid, { files: [onDisk('http', 'kernel', shared)] }));
    await open(uuid);
    const files = [
      onDisk('http', 'media/a', shared),
      onDisk('http', 'media/b', outside),
      onDisk('http', 'media/c', `${root}/../outside`),
    ];
    await published.publish(boot(uuid, { publisher: 'image', life: 'operation', seconds: 0, files }));
    expect(await sweep().run()).toBe(3);
    expect([existsSync(shared), existsSync(outside)]).toEqual([true, true]);
    rmSync(outside);
  });

  it('leaves a row whose file it cannot remove, and tries again', async () => {
    const uuid = await aNode();
    const path = file('folder/in-the-way');
    await published.publish(boot(uuid, { seconds: 0, files: [onDisk('http', 'folder', dirname(path))] }));
    expect(await sweep(1).run()).toBe(0);
    expect(await rows()).toEqual(['folder']);
    rmSync(path);
    rmSync(dirname(path), { recursive: true });
    expect(await sweep(1).run()).toBe(1);
  });

  it('leaves to another conductor what is its own, for as long as that one lives', async () => {
    const uuid = await aNode();
    await published.publish(
      boot(uuid, { seconds: 0, conductor: 'there', files: [onDisk('http', 'x', '/x')] }),
    );
    await database.source.query(
      `insert into conductor (hostname, drivers, instance) values ('there', '[]', $1)`,
      [randomUUID()],
    );
    expect(await sweep().run()).toBe(0);
    await database.source.query(`update conductor set updated_at = now() - interval '1 hour'`);
    expect(await sweep().run()).toBe(1);
  });
});
