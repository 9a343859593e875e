import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildConfigDrive } from '../../../src/protocol/configdrive/config-drive.js';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';
import { asImage, asQcow2, diskImage, qcow2WithBackingFile, sha256 } from '../../support/agent/disk-image.js';
import { ImageServer } from '../../support/agent/image-server.js';
import { isoImage } from '../../support/iso.js';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

describe('write_image', () => {
  let test: AgentUnderTest;
  let server: ImageServer;
  let disk: string;

  beforeEach(async () => {
    test = await AgentUnderTest.prepare();
    server = await ImageServer.start();
    disk = test.machine.addDisk(`${test.dir}/disk`, 5 * GIB).name;
    await test.start();
  });
  afterEach(async () => {
    await test.stop();
    await server.stop();
  });

  const raw = (content: Buffer, more: object = {}) => {
    server.content.set('disk.raw', content);
    return {
      id: 'image-1',
      urls: [server.url('disk.raw')],
      disk_format: 'raw',
      os_hash_algo: 'sha256',
      os_hash_value: sha256(content),
      stream_raw_images: true,
      ...more,
    };
  };
  const read = (offset: number, length: number) => {
    const file = openSync(disk, 'r');
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, offset);
    closeSync(file);
    return bytes;
  };
  const partitions = () =>
    (
      JSON.parse(execFileSync('sfdisk', ['--json', disk], { encoding: 'utf8' })) as {
        partitiontable: {
          label: string;
          partitions: { start: number; size: number; name?: string; type: string }[];
        };
      }
    ).partitiontable;

  it('streams a raw image, moves the backup GPT to the end, and tells the disk identifier', async () => {
    const image = diskImage('gpt');
    const record = await test.writeImage(raw(image));
    expect(record).toMatchObject({
      command_name: 'execute_deploy_step',
      command_status: 'SUCCEEDED',
      command_result: {
        deploy_result: {
          result: `prepare_image: image (image-1) written to device ${disk} root_uuid=0x00000000`,
        },
        deploy_step: { step: 'write_image' },
      },
    });
    // All but the GPT headers, which name the new end.
    expect(read(2 * MIB, 4 * MIB).equals(image.subarray(2 * MIB, 6 * MIB))).toBe(true);
    expect(execFileSync('sgdisk', ['-v', disk], { encoding: 'utf8' })).toContain('No problems found');
    expect((await test.run('standby.get_partition_uuids')).command_result).toEqual({
      'root uuid': '0x00000000',
    });
    expect(test.lines.filter((line) => /download image-1: \d+ %/.test(line)).length).toBeGreaterThan(10);
  });

  it('writes an MBR image bit by bit', async () => {
    const image = diskImage('dos');
    await test.writeImage(raw(image));
    expect(read(0, image.length).equals(image)).toBe(true);
    expect((await test.run('standby.get_partition_uuids')).command_result).toEqual({
      'root uuid': '0xfe771c42',
    });
  });

  it('resumes where the connection was cut', async () => {
    const image = diskImage('dos');
    server.cuts = [5 * MIB + 12_345, 3 * MIB];
    const record = await test.writeImage(raw(image));
    expect(record.command_status).toBe('SUCCEEDED');
    expect(read(0, image.length).equals(image)).toBe(true);
    const ranges = server.requests.map((request) => Number(/\d+/.exec(request.range ?? '')?.[0] ?? 0));
    expect(ranges).toHaveLength(3);
    expect(ranges[1]).toBeGreaterThan(4 * MIB);
    expect(ranges[2]).toBeGreaterThan(ranges[1]!);
  });

  it('begins anew with a server that knows no ranges', async () => {
    const image = diskImage('dos');
    server.ranges = false;
    server.cuts = [5 * MIB];
    await test.writeImage(raw(image));
    expect(read(0, image.length).equals(image)).toBe(true);
    expect(server.requests.map((request) => request.range)).toEqual([undefined, undefined]);
  });

  it('gives up after as many attempts as it may make, and says why', async () => {
    server.refusals = [503, 503, 503];
    const failed = await test.writeImage(raw(diskImage('dos')));
    expect(failed).toMatchObject({
      command_status: 'FAILED',
      command_error: { type: 'ImageDownloadError', code: 500, message: 'Error downloading image' },
    });
    expect(failed.command_error!.details).toContain('status 503');
    server.refusals = [404];
    expect((await test.writeImage(raw(diskImage('dos')))).command_error!.details).toContain('status 404');
    expect(server.requests).toHaveLength(4); // a 404 is final
  });

  it('leaves nothing to boot from when the checksum is wrong', async () => {
    const wrong = raw(diskImage('gpt'), { os_hash_value: 'a'.repeat(64) });
    const record = await test.writeImage(wrong);
    expect(record).toMatchObject({ command_status: 'FAILED', command_error: { type: 'ImageChecksumError' } });
    expect(server.requests).toHaveLength(2); // the fault could have been on the way
    expect(() => execFileSync('sfdisk', ['--json', disk], { stdio: 'pipe' })).toThrow();
    expect(read(0, MIB).every((byte) => byte === 0)).toBe(true);
  });

  it('says busy while it writes, shows progress, and keeps the record readable', async () => {
    const image = diskImage('dos');
    server.rate = 8 * MIB;
    const step = { step: 'write_image', interface: 'deploy', priority: 80, args: { image_info: raw(image) } };
    const { body } = await test.post('deploy.execute_deploy_step', {
      step,
      node: test.conductor.node,
      ports: [],
    });
    const { id } = body as { id: string };
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await test.get(`/v1/commands/${id}`)).body).toMatchObject({
      command_status: 'RUNNING',
      command_result: { progress: { phase: 'download', total: image.length } },
    });
    expect(
      await test.post('deploy.execute_deploy_step', { step, node: test.conductor.node, ports: [] }),
    ).toEqual({
      status: 409,
      body: { faultcode: 'Client', faultstring: 'Agent is busy: executing command execute_deploy_step' },
    });
    server.rate = undefined;
    const ended = await test.curl(`/v1/commands/${id}?wait=true&agent_token=${test.conductor.token}`);
    expect(ended.body).toMatchObject({ command_status: 'SUCCEEDED' });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhdx', 'vhdx', []],
    ['vmdk', 'vmdk', []],
    ['vdi', 'vdi', []],
    ['gpt', 'raw', []],
  ] as const)('writes an image of every format that may be permitted: %s', async (format, name, options) => {
    test.conductor.config = { permitted_image_formats: [format] };
    await test.restart();
    const image = diskImage('dos');
    const record = await test.writeImage(raw(asImage(image, name, ...options), { disk_format: format }));
    expect(record.command_error?.details).toBeUndefined();
    expect(read(0, image.length).equals(image)).toBe(true);
  });

  it.each(['el-torito', 'hybrid'] as const)('writes an ISO that starts: %s', async (boot) => {
    for (const disk_format of ['iso', 'raw']) {
      const iso = isoImage(boot);
      const record = await test.writeImage(raw(iso, { disk_format }));
      expect(record.command_error?.details).toBeUndefined();
      expect(read(0, iso.length).equals(iso)).toBe(true);
    }
  });

  it('refuses an ISO that starts nothing before anything is written, and one that has no room for a config drive', async () => {
    const before = diskImage('gpt');
    await test.writeImage(raw(before));
    const plain = await test.writeImage(raw(isoImage('none'), { disk_format: 'iso' }));
    expect(plain.command_error!.details).toMatch(/ISO without a boot record .* Nothing was written/);
    const drive = gzipSync(Buffer.alloc(2048)).toString('base64');
    const driven = await test.writeImage(raw(isoImage('el-torito'), { disk_format: 'iso' }), drive);
    expect(driven.command_error!.details).toMatch(/no partition for the config drive .* Nothing was written/);
    expect(read(2 * MIB, 4 * MIB).equals(before.subarray(2 * MIB, 6 * MIB))).toBe(true);
  });

  it('converts a qcow2 image after checking it', async () => {
    const image = diskImage('dos');
    const qcow2 = asQcow2(image, '-c');
    const record = await test.writeImage(raw(qcow2, { disk_format: 'qcow2' }));
    expect(record.command_status).toBe('SUCCEEDED');
    expect(read(0, image.length).equals(image)).toBe(true);
    expect(test.lines.some((line) => line.startsWith('convert image-1: 100 %'))).toBe(true);
  });

  it.each([
    ['a backing file', () => qcow2WithBackingFile(), 'qcow2', 'unsafe'],
    ['another format than declared', () => diskImage('dos'), 'qcow2', 'declared as qcow2'],
    ['a format that is not permitted', () => diskImage('dos'), 'vmdk', 'declared as vmdk'],
  ])('refuses an image with %s', async (_what, make, format, why) => {
    const record = await test.writeImage(raw(make(), { disk_format: format }));
    expect(record).toMatchObject({ command_status: 'FAILED', command_error: { type: 'InvalidImage' } });
    expect(record.command_error!.details).toContain(why);
  });

  it('refuses an image that does not fit, before it is downloaded', async () => {
    test.machine.memory = 100 * MIB;
    const qcow2 = asQcow2(diskImage('dos', 24));
    const tooMuch = await test.writeImage(raw(qcow2, { disk_format: 'qcow2' }));
    expect(tooMuch.command_error!.details).toMatch(
      /goes through this machine's memory, which has room for 4194304 bytes/,
    );
    test.machine.disks = [];
    test.machine.addDisk(`${test.dir}/small`, 8 * MIB);
    test.conductor.node['properties'] = { root_device: { model: 'sparse file' } };
    const tooLong = await test.writeImage(raw(diskImage('dos')));
    expect(tooLong.command_error!.details).toContain(`the disk ${test.dir}/small holds 8388608 bytes`);
  });

  it('refuses junk and images without a checksum', async () => {
    expect((await test.writeImage(raw(Buffer.alloc(MIB, 7)))).command_error!.details).toContain(
      'valid partition table',
    );
    expect((await test.writeImage({ id: 'x', urls: ['http://127.0.0.1/'] })).command_error).toMatchObject({
      type: 'InvalidCommandParamsError',
      code: 400,
    });
    test.conductor.config = { agent_md5_checksum_enable: false };
    await test.restart();
    const image = diskImage('dos');
    const md5 = {
      os_hash_algo: undefined,
      os_hash_value: undefined,
      checksum: createHash('md5').update(image).digest('hex'),
    };
    expect((await test.writeImage(raw(image, md5))).command_error!.details).toContain('MD5');
  });

  it('takes the checksum from a checksum file, and the password of the image server', async () => {
    const image = diskImage('dos');
    server.content.set(
      'SHA256SUMS',
      Buffer.from(`# all\n${'0'.repeat(64)}  other.raw\n${sha256(image)} *disk.raw\n`),
    );
    const record = await test.writeImage(
      raw(image, {
        os_hash_algo: undefined,
        os_hash_value: undefined,
        checksum: server.url('SHA256SUMS'),
        image_request_authorization: Buffer.from('Bearer abc').toString('base64'),
      }),
    );
    expect(record.command_status).toBe('SUCCEEDED');
    expect(server.requests.map((request) => request.authorization)).toEqual(['Bearer abc', 'Bearer abc']);
  });

  describe('by the conductor’s rules for addresses', () => {
    let own: ImageServer;
    const rules = (trusted_urls: string[] = [], more: object = {}) => ({
      ferric_fetch_rules: {
        allowed_networks: ['127.0.0.0/8'],
        refused_networks: ['127.0.7.0/24'],
        endpoints: [{ host: '127.0.0.1', port: Number(new URL(own.url('')).port) }],
        trusted_urls,
        ...more,
      },
    });
    beforeEach(async () => {
      own = await ImageServer.start();
    });
    afterEach(() => own.stop());
    const details = async (image: object, drive?: string) =>
      (await test.writeImage(image, drive)).command_error?.details ?? 'written';

    it('fetches what they permit, and what the conductor serves itself', async () => {
      const image = diskImage('dos');
      expect(await details(raw(image, rules()))).toBe('written');
      own.content.set('served', image);
      expect(await details(raw(image, { ...rules([own.url('served')]), urls: [own.url('served')] }))).toBe(
        'written',
      );
    });

    it('fetches nothing else of the conductor’s: no image, checksum or config drive, nor behind a redirect', async () => {
      const image = diskImage('dos');
      own.content.set('secret', image);
      server.redirects.set('away', own.url('secret'));
      const port = Number(new URL(own.url('')).port);
      const from = [own.url('secret'), server.url('away'), own.url('secret?x').replace('served', 'secret')];
      for (const url of from) {
        const asked = { ...raw(image, rules([own.url('served')])), urls: [url] };
        expect(await details(asked), url).toContain('it is a port of Ferric itself');
      }
      for (const checksum of from.slice(0, 2)) {
        const asked = raw(image, { ...rules(), os_hash_algo: undefined, os_hash_value: undefined, checksum });
        expect(await details(asked), checksum).toContain('it is a port of Ferric itself');
      }
      for (const drive of from.slice(0, 2)) {
        expect(await details(raw(image, rules()), drive)).toContain('it is a port of Ferric itself');
      }
      const byName = raw(image, {
        ...rules([], { endpoints: [{ host: 'localhost', port }] }),
        urls: [`http://127.0.0.1:${port}/secret`],
      });
      expect(await details(byName)).toContain('it is a port of Ferric itself');
      expect(own.requests).toEqual([]);
    });

    it('refuses networks, metadata services and loopback, and rules that it does not understand', async () => {
      const image = diskImage('dos');
      const asked = (url: string, more: object = {}) => ({ ...raw(image, rules([], more)), urls: [url] });
      expect(await details(asked('http://127.0.7.1/x'))).toContain('it lies in a refused network');
      expect(await details(asked('http://169.254.169.254/x'))).toContain('it is a link-local address');
      expect(await details(asked(server.url('disk.raw'), { allowed_networks: [] }))).toContain(
        'it is a loopback address',
      );
      expect(await details(raw(image, { ferric_fetch_rules: 'none' }))).toContain('ferric_fetch_rules');
      expect(server.requests).toEqual([]);
    });
  });

  describe('with a config drive', () => {
    const volume = Buffer.from(buildConfigDrive({ user_data: 'hello' }, { uuid: 'u' }, 0));
    const packed = gzipSync(volume).toString('base64');
    const label = (start: number, size: number) =>
      execFileSync(
        'blkid',
        ['-p', '-O', String(start * 512), '-S', String(size * 512), '-o', 'value', '-s', 'LABEL', disk],
        {
          encoding: 'utf8',
        },
      ).trim();

    it.each(['gpt', 'dos'] as const)('puts it on a partition at the end (%s)', async (table) => {
      expect((await test.writeImage(raw(diskImage(table)), packed)).command_status).toBe('SUCCEEDED');
      const last = partitions().partitions.at(-1)!;
      expect(last.size * 512).toBe(64 * MIB);
      if (table === 'gpt') expect(last.name).toBe('config-2');
      expect(5 * GIB - (last.start + last.size) * 512).toBeLessThan(3 * MIB);
      expect(label(last.start, last.size)).toBe('config-2');
      expect(read(last.start * 512, volume.length).equals(volume)).toBe(true);
      if (table === 'gpt')
        expect(execFileSync('sgdisk', ['-v', disk], { encoding: 'utf8' })).toContain('No problems');
    });

    it('fills the partition that the image brought for it', async () => {
      const image = diskImage('gpt', 80);
      server.content.set('config', Buffer.from(packed));
      // The image's own second partition, labelled as one.
      const path = `${test.dir}/image`;
      execFileSync('dd', [`of=${path}`, 'status=none'], { input: image });
      execFileSync('sgdisk', ['-n', '2:8192:+4M', '-c', '2:config-2', path], { stdio: 'pipe' });
      const own = execFileSync('cat', [path], { maxBuffer: 2 ** 28 });
      expect((await test.writeImage(raw(own), server.url('config'))).command_status).toBe('SUCCEEDED');
      expect(partitions().partitions).toHaveLength(2);
      expect(label(8192, 8192)).toBe('config-2');
    });

    it('fills the one that the image brought whatever the case of its label', async () => {
      const path = `${test.dir}/image`;
      execFileSync('dd', [`of=${path}`, 'status=none'], { input: diskImage('dos', 16, 2) });
      execFileSync('mkfs.fat', ['-n', 'CONFIG-2', '--offset', '4096', path, '1024'], { stdio: 'pipe' });
      const own = execFileSync('cat', [path], { maxBuffer: 2 ** 28 });
      expect((await test.writeImage(raw(own), packed)).command_status).toBe('SUCCEEDED');
      expect(partitions().partitions).toHaveLength(2);
      expect(label(4096, 2048)).toBe('config-2');
    });

    it('says that a GPT has no entry left', async () => {
      const path = `${test.dir}/image`;
      execFileSync('dd', [`of=${path}`, 'status=none'], { input: diskImage('gpt') });
      const lines = Array.from({ length: 4 }, (_, n) => `start=${2048 * (n + 1)}, size=2048`);
      execFileSync('sfdisk', ['-q', path], { input: `label: gpt\ntable-length: 4\n${lines.join('\n')}\n` });
      const own = execFileSync('cat', [path], { maxBuffer: 2 ** 28 });
      expect((await test.writeImage(raw(own), packed)).command_error!.details).toContain(
        'all 4 entries of the GPT',
      );
    });

    it('refuses a fifth partition in an MBR, and nonsense', async () => {
      const full = await test.writeImage(raw(diskImage('dos', 16, 4)), packed);
      expect(full.command_error!.details).toContain(
        'already has 4 primary partitions'.replace('already ', ''),
      );
      const nonsense = await test.writeImage(raw(diskImage('dos')), 'not base64!');
      expect(nonsense.command_error!.details).toContain('not base64 encoded');
      const large = gzipSync(Buffer.alloc(65 * MIB)).toString('base64');
      expect((await test.writeImage(raw(diskImage('dos')), large)).command_error!.details).toContain(
        'maximum limit of 64MiB',
      );
    });
  });
});
