import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildRamdisk, mebibytes, type Ramdisk } from '../../../agent/ramdisk/build.js';
import { type CommandRecord, parseCommandRecord } from '../../../src/protocol/agent/command.js';
import { buildConfigDrive } from '../../../src/protocol/configdrive/config-drive.js';
import { asQcow2, diskImage, sha256 } from '../../support/agent/disk-image.js';
import { FakeConductor, TOKEN } from '../../support/agent/fake-conductor.js';
import { ImageServer } from '../../support/agent/image-server.js';
import { freePort } from '../../support/free-port.js';

const MIB = 2 ** 20;
const MEMORY = 512;

/** Kernel and ramdisk started by QEMU itself, on its user network: what the ramdisk does, without the way to it. */
describe('the deploy ramdisk', () => {
  let ramdisk: Ramdisk;
  let dir: string;
  let conductor: FakeConductor;
  let images: ImageServer;
  let port: number;
  let qemu: ChildProcess | undefined;

  beforeAll(async () => {
    ramdisk = await buildRamdisk({ outDir: resolve('.lab/cache/ramdisk') });
  });
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'ramdisk-'));
    conductor = await FakeConductor.start();
    images = await ImageServer.start();
    port = await freePort();
    writeFileSync(join(dir, 'disk'), '');
    truncateSync(join(dir, 'disk'), 5 * 1024 * MIB);
  });
  afterEach(async () => {
    if (qemu?.exitCode === null && qemu.signalCode === null) {
      qemu.kill('SIGKILL');
      await once(qemu, 'exit');
    }
    qemu = undefined;
    await conductor.stop();
    await images.stop();
    rmSync(dir, { recursive: true });
  });

  /** @returns seconds from power on to the first heartbeat */
  async function boot(nic: string, disk: readonly string[]): Promise<number> {
    const api = `https://10.0.2.2:${new URL(conductor.url).port}`;
    const line = `console=ttyS0 ipa-api-url=${api} ipa-insecure=1 BOOTIF=01-52-54-00-12-34-56`;
    const started = performance.now();
    qemu = spawn(
      'qemu-system-x86_64',
      [
        ...[
          '-accel',
          'tcg',
          '-cpu',
          'max',
          '-m',
          String(MEMORY),
          '-nodefaults',
          '-display',
          'none',
          '-no-reboot',
        ],
        ...['-kernel', ramdisk.kernel, '-initrd', ramdisk.ramdisk, '-append', line],
        ...['-serial', `file:${join(dir, 'serial')}`],
        ...['-netdev', `user,id=n0,hostfwd=tcp:127.0.0.1:${port}-:9999`],
        ...['-device', `${nic},netdev=n0,mac=52:54:00:12:34:56`],
        ...['-drive', `file=${join(dir, 'disk')},if=none,id=d0,format=raw`, ...disk],
      ],
      { stdio: 'ignore' },
    );
    await conductor.nextHeartbeat(180_000).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${serial().slice(-3000)}`);
    });
    const seconds = (performance.now() - started) / 1000;
    writeFileSync(join(dir, 'ca.pem'), conductor.heartbeats.at(-1)!.body.agent_verify_ca!);
    return seconds;
  }

  async function command(name: string, params: object): Promise<CommandRecord> {
    const { callback_url: callback } = conductor.heartbeats.at(-1)!.body;
    const { host } = new URL(callback);
    writeFileSync(
      join(dir, 'body'),
      JSON.stringify({ name, params: { node: conductor.node, ports: [], ...params } }),
    );
    const { stdout } = await promisify(execFile)('curl', [
      ...[
        '-sS',
        '--max-time',
        '240',
        '--cacert',
        join(dir, 'ca.pem'),
        '--connect-to',
        `${host}:127.0.0.1:${port}`,
      ],
      ...[
        '--data-binary',
        `@${join(dir, 'body')}`,
        `${callback}/v1/commands/?wait=true&agent_token=${TOKEN}`,
      ],
    ]);
    const record = parseCommandRecord(JSON.parse(stdout));
    expect(record.command_error).toBeNull();
    return record;
  }

  const serial = () => readFileSync(join(dir, 'serial'), 'utf8');
  const written = (length: number) => {
    const file = openSync(join(dir, 'disk'), 'r');
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, 0);
    closeSync(file);
    return bytes;
  };
  const deploy = async (content: Buffer, format: string, configdrive?: string) => {
    images.content.set('image', content);
    const url = images.url('image').replace('127.0.0.1', '10.0.2.2');
    const image = {
      id: 'i',
      urls: [url],
      disk_format: format,
      os_hash_algo: 'sha256',
      os_hash_value: sha256(content),
    };
    await command('deploy.execute_deploy_step', {
      step: {
        step: 'write_image',
        interface: 'deploy',
        priority: 80,
        args: { image_info: image, configdrive },
      },
    });
  };

  it.each([
    ['virtio-net-pci', 'virtio', ['-device', 'virtio-blk-pci,drive=d0'], '/dev/vda', 'raw'],
    [
      'e1000',
      'SATA',
      ['-device', 'ich9-ahci,id=a', '-device', 'ide-hd,drive=d0,bus=a.0'],
      '/dev/sda',
      'qcow2',
    ],
    ['e1000e', 'NVMe', ['-device', 'nvme,drive=d0,serial=N1'], '/dev/nvme0n1', 'raw'],
  ])(
    'boots with %s and a %s disk, cleans it and writes an image',
    async (nic, _kind, disk, device, format) => {
      const seconds = await boot(nic, disk);
      const cleaned = await command('clean.execute_clean_step', { step: { step: 'erase_devices_metadata' } });
      expect(cleaned.command_status).toBe('SUCCEEDED');
      const image = diskImage('dos', 24);
      const drive = gzipSync(buildConfigDrive({ user_data: 'x' }, { uuid: 'u' }, 0)).toString('base64');
      await deploy(
        format === 'raw' ? image : asQcow2(image, '-c'),
        format,
        format === 'raw' ? undefined : drive,
      );
      await command('standby.sync', {});
      await command('standby.power_off', {});
      await once(qemu!, 'exit');
      const onDisk = written(image.length);
      // The config drive adds an entry to the partition table, in the first sector.
      const from = format === 'raw' ? 0 : 512;
      expect(onDisk.subarray(from).equals(image.subarray(from))).toBe(true);
      expect(serial()).toContain(`root device ${device}`);
      console.log(
        `ramdisk ${mebibytes(ramdisk.ramdiskSize)}, kernel ${mebibytes(ramdisk.kernelSize)}, memory ${MEMORY} MiB, ` +
          `${nic} and ${device}: ${seconds.toFixed(1)} s to the first heartbeat`,
      );
    },
  );
});
