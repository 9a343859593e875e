import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';

const MIB = 2 ** 20;

describe('cleaning', () => {
  let test: AgentUnderTest;

  beforeEach(async () => {
    test = await AgentUnderTest.prepare();
  });
  afterEach(async () => test.stop());

  const read = (path: string, offset: number, length: number) => {
    const file = openSync(path, 'r');
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, offset);
    closeSync(file);
    return bytes;
  };
  const signatures = (path: string) =>
    execFileSync('wipefs', ['--json', path], { encoding: 'utf8' }).includes('"type"');

  it('erase_devices_metadata leaves no table or signature at either end, and the data in between', async () => {
    const disk = test.machine.addDisk(`${test.dir}/disk`, 5 * 1024 * MIB).name;
    const ext4 = test.machine.addDisk(`${test.dir}/whole`, 64 * MIB).name;
    execFileSync('sfdisk', ['-q', disk], { input: 'label: gpt\nstart=2048,size=20480\n' });
    execFileSync('dd', [`of=${disk}`, 'bs=1M', 'seek=100', 'conv=notrunc', 'status=none'], {
      input: 'user data',
    });
    execFileSync('mkfs.ext4', ['-q', ext4]);
    expect([signatures(disk), signatures(ext4)]).toEqual([true, true]);
    await test.start();
    const record = await test.cleanStep('erase_devices_metadata');
    expect(record).toMatchObject({
      command_status: 'SUCCEEDED',
      command_result: { clean_result: null, clean_step: { step: 'erase_devices_metadata' } },
    });
    expect([signatures(disk), signatures(ext4)]).toEqual([false, false]);
    expect(read(disk, 0, MIB).every((byte) => byte === 0)).toBe(true);
    expect(read(disk, 5119 * MIB, MIB).every((byte) => byte === 0)).toBe(true);
    expect(read(disk, 100 * MIB, 9).toString()).toBe('user data');
  });

  it('names every disk that failed, and cleans the others', async () => {
    test.machine.addDisk(`${test.dir}/gone`, 8 * MIB);
    const good = test.machine.addDisk(`${test.dir}/good`, 8 * MIB).name;
    execFileSync('sfdisk', ['-q', good], { input: 'label: gpt\n' });
    execFileSync('rm', [`${test.dir}/gone`]);
    await test.start('ipa-guard-special-filesystems=false');
    const record = await test.cleanStep('erase_devices_metadata');
    expect(record.command_error).toMatchObject({ type: 'BlockDeviceEraseError', code: 500 });
    expect(record.command_error!.details).toContain(`"${test.dir}/gone"`);
    expect(record.command_error!.details).not.toContain('good');
    expect(signatures(good)).toBe(false);
  });

  const LUN = { tran: 'fc', wwn_with_extension: '0x600a', serial: ['LUN1'] };

  it.each(['erase_devices_metadata', 'erase_devices_express', 'erase_devices'])(
    '%s reaches a disk by the path that works, and erases it once',
    async (step) => {
      // A standby path refuses I/O; here its device is gone.
      test.machine.addDisk(`${test.dir}/standby`, 8 * MIB, LUN);
      const active = test.machine.addDisk(`${test.dir}/active`, 8 * MIB, LUN).name;
      test.machine.addDisk(`${test.dir}/third`, 8 * MIB, LUN);
      execFileSync('sfdisk', ['-q', active], { input: 'label: gpt\n' });
      execFileSync('sfdisk', ['-q', `${test.dir}/third`], { input: 'label: gpt\n' });
      execFileSync('rm', [`${test.dir}/standby`]);
      await test.start();
      expect(await test.cleanStep(step)).toMatchObject({ command_status: 'SUCCEEDED' });
      // The third file stands for the same disk, so that it shows whether this was written a second time.
      expect([signatures(active), signatures(`${test.dir}/third`)]).toEqual([false, true]);
      expect(test.lines.join('\n')).toContain(
        `${test.dir}/standby is a path of a disk that works by another`,
      );
    },
  );

  it.each([
    ['of another serial number', { ...LUN, serial: ['LUN2'] }, {}],
    ['of another size', { ...LUN, size: 4 * MIB }, {}],
    ['without a serial number', { ...LUN, serial: [] }, { serial: [] }],
    ['of a transport with one path', { ...LUN, tran: 'sata' }, { tran: 'sata' }],
  ])('a disk %s is a disk of its own: its failure is told', async (_what, facts, good) => {
    test.machine.addDisk(`${test.dir}/good`, 8 * MIB, { ...LUN, ...good });
    test.machine.addDisk(`${test.dir}/gone`, 8 * MIB, facts);
    execFileSync('rm', [`${test.dir}/gone`]);
    await test.start('ipa-guard-special-filesystems=false');
    const record = await test.cleanStep('erase_devices_metadata');
    expect(record.command_error!.details).toContain(`"${test.dir}/gone"`);
  });

  it('does not touch any disk while one carries a shared cluster file system', async () => {
    const plain = test.machine.addDisk(`${test.dir}/plain`, 8 * MIB).name;
    const shared = test.machine.addDisk(`${test.dir}/shared`, 40 * MIB).name;
    execFileSync('sfdisk', ['-q', plain], { input: 'label: gpt\n' });
    const super2 = Buffer.alloc(40 * MIB);
    super2.writeUInt32BE(0x01161970, 65_536); // GFS2 superblock, at 64 KiB
    super2.writeUInt32BE(1801, 65_536 + 24);
    super2.writeUInt32BE(1900, 65_536 + 28);
    writeFileSync(shared, super2);
    await test.start();
    const record = await test.cleanStep('erase_devices_metadata');
    expect(record.command_error).toMatchObject({ type: 'ProtectedDeviceError' });
    expect(signatures(plain)).toBe(true);
  });

  it('keeps its hands off disks that the operator names', async () => {
    const kept = test.machine.addDisk(`${test.dir}/kept`, 8 * MIB, { serial: ['KEEP'] }).name;
    const wiped = test.machine.addDisk(`${test.dir}/wiped`, 8 * MIB).name;
    for (const path of [kept, wiped]) execFileSync('sfdisk', ['-q', path], { input: 'label: gpt\n' });
    test.conductor.node['properties'] = { skip_block_devices: [{ serial: 'keep' }] };
    await test.start();
    await test.cleanStep('erase_devices_metadata');
    expect([signatures(kept), signatures(wiped)]).toEqual([true, false]);
  });

  it('erase_devices overwrites every byte', async () => {
    const disk = test.machine.addDisk(`${test.dir}/disk`, 9 * MIB + 512).name;
    writeFileSync(disk, Buffer.alloc(9 * MIB + 512, 'secret'));
    await test.start();
    const record = await test.cleanStep('erase_devices');
    expect(record).toMatchObject({
      command_status: 'SUCCEEDED',
      command_result: { clean_result: { [disk]: null } },
    });
    expect(readFileSync(disk).every((byte) => byte === 0)).toBe(true);
    expect(readFileSync(disk).length).toBe(9 * MIB + 512);
  });

  it('erase_devices does as many passes as asked, without the last one of zeros', async () => {
    const disk = test.machine.addDisk(`${test.dir}/disk`, 8 * MIB).name;
    writeFileSync(disk, Buffer.alloc(8 * MIB, 'secret'));
    test.conductor.node['driver_internal_info'] = {
      agent_erase_devices_iterations: 2,
      agent_erase_devices_zeroize: false,
    };
    await test.start();
    expect((await test.cleanStep('erase_devices')).command_status).toBe('SUCCEEDED');
    const bytes = readFileSync(disk);
    expect(bytes.includes('secretsecret')).toBe(false);
    expect(bytes.filter((byte) => byte === 0).length).toBeLessThan(bytes.length / 100);
    expect(test.lines).toContain(`${disk}: overwriting ${8 * MIB} bytes, 2 passes`);
  });

  it('erase_devices tells bytes of all disks and passes, and the time that is left', async () => {
    for (const name of ['one', 'two']) test.machine.addDisk(`${test.dir}/${name}`, 96 * MIB);
    test.conductor.node['driver_internal_info'] = { disk_erasure_concurrency: 2 };
    await test.start();
    const seen: { bytes: number; total: number; seconds_left: number | null }[] = [];
    const done = test.cleanStep('erase_devices');
    for (let over = false; !over; ) {
      over = await Promise.race([
        done.then(() => true),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 30)),
      ]);
      const { commands } = (await test.get('/v1/commands/')).body as {
        commands: { command_name: string; command_result: { progress?: (typeof seen)[number] } | null }[];
      };
      const progress = commands.at(-1)?.command_result?.progress;
      if (progress) seen.push(progress);
    }
    expect((await done).command_status).toBe('SUCCEEDED');
    expect(seen.length).toBeGreaterThan(0);
    for (const { bytes, total, seconds_left } of seen) {
      expect(total).toBe(2 * 2 * 96 * MIB);
      expect(bytes).toBeGreaterThan(0);
      expect(seconds_left).toBeGreaterThanOrEqual(0);
    }
  });

  it('erase_devices_express leaves no metadata on disks that do not erase themselves', async () => {
    const disk = test.machine.addDisk(`${test.dir}/disk`, 64 * MIB, { tran: 'sata' }).name;
    const nvme = test.machine.addDisk(`${test.dir}/nvme`, 64 * MIB, { tran: 'nvme' }).name;
    for (const path of [disk, nvme]) execFileSync('sfdisk', ['-q', path], { input: 'label: gpt\n' });
    await test.start();
    expect((await test.cleanStep('erase_devices_express')).command_status).toBe('SUCCEEDED');
    expect([signatures(disk), signatures(nvme)]).toEqual([false, false]);
    expect(test.lines.some((line) => line.includes('erasing its metadata instead'))).toBe(true);
  });

  it('erase_devices refuses a read-only disk unless it may be skipped', async () => {
    test.machine.addDisk(`${test.dir}/disk`, MIB, { readOnly: true });
    await test.start();
    expect((await test.cleanStep('erase_devices')).command_error).toMatchObject({
      type: 'BlockDeviceEraseError',
    });
    test.conductor.node['driver_internal_info'] = { agent_erase_skip_read_only: true };
    expect((await test.cleanStep('erase_devices')).command_status).toBe('SUCCEEDED');
  });
});
