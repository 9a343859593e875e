import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { asImage, asQcow2, diskImage, qcow2WithBackingFile, sha256 } from '../../support/agent/disk-image.js';
import { MIB, useWriteImage } from '../../support/agent/write-image-bed.js';
import { isoImage } from '../../support/iso.js';

const bed = useWriteImage();
const { raw, read } = bed;

describe('write_image', () => {
  it('streams a raw image, moves the backup GPT to the end, and tells the disk identifier', async () => {
    const image = diskImage('gpt');
    const record = await bed.test.writeImage(raw(image));
    expect(record).toMatchObject({
      command_name: 'execute_deploy_step',
      command_status: 'SUCCEEDED',
      command_result: {
        deploy_result: {
          result: `prepare_image: image (image-1) written to device ${bed.disk} root_uuid=0x00000000`,
        },
        deploy_step: { step: 'write_image' },
      },
    });
    // All but the GPT headers, which name the new end.
    expect(read(2 * MIB, 4 * MIB).equals(image.subarray(2 * MIB, 6 * MIB))).toBe(true);
    expect(execFileSync('sgdisk', ['-v', bed.disk], { encoding: 'utf8' })).toContain('No problems found');
    expect((await bed.test.run('standby.get_partition_uuids')).command_result).toEqual({
      'root uuid': '0x00000000',
    });
    expect(bed.test.lines.filter((line) => /download image-1: \d+ %/.test(line)).length).toBeGreaterThan(10);
  });

  it('writes an MBR image bit by bit', async () => {
    const image = diskImage('dos');
    await bed.test.writeImage(raw(image));
    expect(read(0, image.length).equals(image)).toBe(true);
    expect((await bed.test.run('standby.get_partition_uuids')).command_result).toEqual({
      'root uuid': '0xfe771c42',
    });
  });

  it('resumes where the connection was cut', async () => {
    const image = diskImage('dos');
    bed.server.cuts = [5 * MIB + 12_345, 3 * MIB];
    const record = await bed.test.writeImage(raw(image));
    expect(record.command_status).toBe('SUCCEEDED');
    expect(read(0, image.length).equals(image)).toBe(true);
    const ranges = bed.server.requests.map((request) => Number(/\d+/.exec(request.range ?? '')?.[0] ?? 0));
    expect(ranges).toHaveLength(3);
    expect(ranges[1]).toBeGreaterThan(4 * MIB);
    expect(ranges[2]).toBeGreaterThan(ranges[1]!);
  });

  it('begins anew with a server that knows no ranges', async () => {
    const image = diskImage('dos');
    bed.server.ranges = false;
    bed.server.cuts = [5 * MIB];
    await bed.test.writeImage(raw(image));
    expect(read(0, image.length).equals(image)).toBe(true);
    expect(bed.server.requests.map((request) => request.range)).toEqual([undefined, undefined]);
  });

  it('gives up after as many attempts as it may make, and says why', async () => {
    bed.server.refusals = [503, 503, 503];
    const failed = await bed.test.writeImage(raw(diskImage('dos')));
    expect(failed).toMatchObject({
      command_status: 'FAILED',
      command_error: { type: 'ImageDownloadError', code: 500, message: 'Error downloading image' },
    });
    expect(failed.command_error!.details).toContain('status 503');
    bed.server.refusals = [404];
    expect((await bed.test.writeImage(raw(diskImage('dos')))).command_error!.details).toContain('status 404');
    expect(bed.server.requests).toHaveLength(4); // a 404 is final
  });

  it('leaves nothing to boot from when the checksum is wrong', async () => {
    const wrong = raw(diskImage('gpt'), { os_hash_value: 'a'.repeat(64) });
    const record = await bed.test.writeImage(wrong);
    expect(record).toMatchObject({ command_status: 'FAILED', command_error: { type: 'ImageChecksumError' } });
    expect(bed.server.requests).toHaveLength(2); // the fault could have been on the way
    expect(() => execFileSync('sfdisk', ['--json', bed.disk], { stdio: 'pipe' })).toThrow();
    expect(read(0, MIB).every((byte) => byte === 0)).toBe(true);
  });

  it('says busy while it writes, shows progress, and keeps the record readable', async () => {
    const image = diskImage('dos');
    bed.server.rate = 8 * MIB;
    const step = { step: 'write_image', interface: 'deploy', priority: 80, args: { image_info: raw(image) } };
    const { body } = await bed.test.post('deploy.execute_deploy_step', {
      step,
      node: bed.test.conductor.node,
      ports: [],
    });
    const { id } = body as { id: string };
    while (bed.server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await bed.test.get(`/v1/commands/${id}`)).body).toMatchObject({
      command_status: 'RUNNING',
      command_result: { progress: { phase: 'download', total: image.length } },
    });
    expect(
      await bed.test.post('deploy.execute_deploy_step', { step, node: bed.test.conductor.node, ports: [] }),
    ).toEqual({
      status: 409,
      body: { faultcode: 'Client', faultstring: 'Agent is busy: executing command execute_deploy_step' },
    });
    bed.server.rate = undefined;
    const ended = await bed.test.curl(`/v1/commands/${id}?wait=true&agent_token=${bed.test.conductor.token}`);
    expect(ended.body).toMatchObject({ command_status: 'SUCCEEDED' });
    expect(bed.server.requests).toHaveLength(1);
  });

  it.each([
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhdx', 'vhdx', []],
    ['vmdk', 'vmdk', []],
    ['vdi', 'vdi', []],
    ['gpt', 'raw', []],
  ] as const)('writes an image of every format that may be permitted: %s', async (format, name, options) => {
    bed.test.conductor.config = { permitted_image_formats: [format] };
    await bed.test.restart();
    const image = diskImage('dos');
    const record = await bed.test.writeImage(raw(asImage(image, name, ...options), { disk_format: format }));
    expect(record.command_error?.details).toBeUndefined();
    expect(read(0, image.length).equals(image)).toBe(true);
  });

  it.each(['el-torito', 'hybrid'] as const)('writes an ISO that starts: %s', async (boot) => {
    for (const disk_format of ['iso', 'raw']) {
      const iso = isoImage(boot);
      const record = await bed.test.writeImage(raw(iso, { disk_format }));
      expect(record.command_error?.details).toBeUndefined();
      expect(read(0, iso.length).equals(iso)).toBe(true);
    }
  });

  it('refuses an ISO that starts nothing before anything is written, and one that has no room for a config drive', async () => {
    const before = diskImage('gpt');
    await bed.test.writeImage(raw(before));
    const plain = await bed.test.writeImage(raw(isoImage('none'), { disk_format: 'iso' }));
    expect(plain.command_error!.details).toMatch(/ISO without a boot record .* Nothing was written/);
    const drive = gzipSync(Buffer.alloc(2048)).toString('base64');
    const driven = await bed.test.writeImage(raw(isoImage('el-torito'), { disk_format: 'iso' }), drive);
    expect(driven.command_error!.details).toMatch(/no partition for the config drive .* Nothing was written/);
    expect(read(2 * MIB, 4 * MIB).equals(before.subarray(2 * MIB, 6 * MIB))).toBe(true);
  });

  it('converts a qcow2 image after checking it', async () => {
    const image = diskImage('dos');
    const qcow2 = asQcow2(image, '-c');
    const record = await bed.test.writeImage(raw(qcow2, { disk_format: 'qcow2' }));
    expect(record.command_status).toBe('SUCCEEDED');
    expect(read(0, image.length).equals(image)).toBe(true);
    expect(bed.test.lines.some((line) => line.startsWith('convert image-1: 100 %'))).toBe(true);
  });

  it.each([
    ['a backing file', () => qcow2WithBackingFile(), 'qcow2', 'unsafe'],
    ['another format than declared', () => diskImage('dos'), 'qcow2', 'declared as qcow2'],
    ['a format that is not permitted', () => diskImage('dos'), 'vmdk', 'declared as vmdk'],
  ])('refuses an image with %s', async (_what, make, format, why) => {
    const record = await bed.test.writeImage(raw(make(), { disk_format: format }));
    expect(record).toMatchObject({ command_status: 'FAILED', command_error: { type: 'InvalidImage' } });
    expect(record.command_error!.details).toContain(why);
  });

  it('refuses an image that does not fit, before it is downloaded', async () => {
    bed.test.machine.memory = 100 * MIB;
    const qcow2 = asQcow2(diskImage('dos', 24));
    const tooMuch = await bed.test.writeImage(raw(qcow2, { disk_format: 'qcow2' }));
    expect(tooMuch.command_error!.details).toMatch(
      /goes through this machine's memory, which has room for 4194304 bytes/,
    );
    bed.test.machine.disks = [];
    bed.test.machine.addDisk(`${bed.test.dir}/small`, 8 * MIB);
    bed.test.conductor.node['properties'] = { root_device: { model: 'sparse file' } };
    const tooLong = await bed.test.writeImage(raw(diskImage('dos')));
    expect(tooLong.command_error!.details).toContain(`the disk ${bed.test.dir}/small holds 8388608 bytes`);
  });

  it('refuses junk and images without a checksum', async () => {
    expect((await bed.test.writeImage(raw(Buffer.alloc(MIB, 7)))).command_error!.details).toContain(
      'valid partition table',
    );
    expect((await bed.test.writeImage({ id: 'x', urls: ['http://127.0.0.1/'] })).command_error).toMatchObject(
      {
        type: 'InvalidCommandParamsError',
        code: 400,
      },
    );
    bed.test.conductor.config = { agent_md5_checksum_enable: false };
    await bed.test.restart();
    const image = diskImage('dos');
    const md5 = {
      os_hash_algo: undefined,
      os_hash_value: undefined,
      checksum: createHash('md5').update(image).digest('hex'),
    };
    expect((await bed.test.writeImage(raw(image, md5))).command_error!.details).toContain('MD5');
  });

  it('takes the checksum from a checksum file, and the password of the image server', async () => {
    const image = diskImage('dos');
    bed.server.content.set(
      'SHA256SUMS',
      Buffer.from(`# all\n${'0'.repeat(64)}  other.raw\n${sha256(image)} *disk.raw\n`),
    );
    const record = await bed.test.writeImage(
      raw(image, {
        os_hash_algo: undefined,
        os_hash_value: undefined,
        checksum: bed.server.url('SHA256SUMS'),
        image_request_authorization: Buffer.from('Bearer abc').toString('base64'),
      }),
    );
    expect(record.command_status).toBe('SUCCEEDED');
    expect(bed.server.requests.map((request) => request.authorization)).toEqual(['Bearer abc', 'Bearer abc']);
  });
});
