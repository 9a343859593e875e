import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listBlockDevices } from '../../../agent/src/machine/block-device.js';
import type { DiskTree } from '../../support/agent/disk-tree-parts.js';
import { DISK_TREES } from '../../support/agent/disk-trees.js';
import { SysfsTree } from '../../support/sysfs-tree.js';

/** Answers the INQUIRY and IDENTIFY of udev's programs from the files of a folder, which is what a disk would do. */
const SHIM = String.raw`
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/bsg.h>
#include <scsi/sg.h>
static long give(const char *name, unsigned char *to, unsigned length) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", getenv("DISK_DIR"), name);
  int file = open(path, O_RDONLY);
  memset(to, 0, length);
  if (file < 0) return -1;
  long count = read(file, to, length);
  close(file);
  return count;
}
static int answer(unsigned char *command, unsigned char *to, unsigned length) {
  char name[16];
  if (command[0] == 0x12 && !(command[1] & 1)) return give("std", to, length) < 0;
  if (command[0] == 0x12) { snprintf(name, sizeof name, "vpd_pg%x", command[2]); return give(name, to, length) < 0; }
  if ((command[0] == 0xa1 && command[9] == 0xec) || (command[0] == 0x85 && command[14] == 0xec)) return give("identify", to, length) < 0;
  return 1;
}
int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *data = va_arg(list, void *);
  va_end(list);
  if (request != SG_IO) return syscall(SYS_ioctl, fd, request, data);
  if (*(int *)data == 'Q') {
    struct sg_io_v4 *io = data;
    int bad = answer((void *)(unsigned long)io->request, (void *)(unsigned long)io->din_xferp, io->din_xfer_len);
    unsigned char *sense = (void *)(unsigned long)io->response;
    io->device_status = bad ? 2 : 0; io->transport_status = io->driver_status = io->info = 0; io->din_resid = 0;
    if (sense && io->max_response_len >= 22) { memset(sense, 0, 22); sense[0] = 0x72; sense[7] = 14; sense[8] = 9; sense[9] = 12; sense[21] = 0x50; sense[13] = 0; }
    return 0;
  }
  struct sg_io_hdr *io = data;
  int bad = answer(io->cmdp, io->dxferp, io->dxfer_len);
  io->status = bad ? 2 : 0; io->masked_status = bad ? 1 : 0; io->host_status = io->driver_status = 0; io->sb_len_wr = 0;
  return 0;
}
`;

describe('disks as udev names them', () => {
  let dir: string;
  let shim: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'udev-'));
    shim = join(dir, 'shim.so');
    writeFileSync(join(dir, 'shim.c'), SHIM);
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', shim, join(dir, 'shim.c')]);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const properties = (text: string) =>
    Object.fromEntries([...text.matchAll(/^(ID_[A-Z_]+)=(.*)$/gm)].map((match) => [match[1]!, match[2]!]));
  /** udev itself, with the tree in the place of sysfs. */
  const udev = (tree: SysfsTree, disk: string, ...what: string[]) => {
    const path = realpathSync(join(tree.root, 'class/block', disk)).replace(realpathSync(tree.root), '/sys');
    const script = 'mount --make-rprivate / && mount --bind "$0" /sys && exec udevadm "$@"';
    try {
      return properties(
        execFileSync('unshare', ['--mount', 'sh', '-c', script, tree.root, ...what, path], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
          env: {
            PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
            SYSTEMD_DEVICE_VERIFY_SYSFS: '0',
            SYSTEMD_LOG_LEVEL: 'warning',
          },
        }),
      );
    } catch {
      return {}; // it ends so where it has nothing to say
    }
  };
  /** One of its programs, before a disk that answers what the tree has. */
  const program = (tree: SysfsTree, disk: string, name: string, ...options: string[]) => {
    const device = realpathSync(join(tree.root, 'class/block', disk, 'device'));
    const text = (file: string, length: number) =>
      readFileSync(join(device, file), 'latin1').replace(/\n$/, '').padEnd(length);
    const pages = readdirSync(device).filter((file) => /^vpd_pg8/.test(file));
    const std = Buffer.from(`\0\0\x05\x02\x1f\0\0\0${text('vendor', 8)}${text('model', 16)}1.0 `, 'latin1');
    writeFileSync(join(device, 'std'), Buffer.concat([std, Buffer.alloc(64)]));
    const numbers = pages.map((page) => Number.parseInt(page.slice(6), 16)).sort();
    writeFileSync(join(device, 'vpd_pg0'), Buffer.from([0, 0, 0, numbers.length + 1, 0, ...numbers]));
    if (existsSync(join(device, 'vpd_pg89')))
      writeFileSync(join(device, 'identify'), readFileSync(join(device, 'vpd_pg89')).subarray(60));
    const run = (args: string[]) =>
      execFileSync(`/usr/lib/udev/${name}`, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { LD_PRELOAD: shim, DISK_DIR: device },
      });
    try {
      return properties(run([...options, join(device, 'std')]));
    } catch {
      return {}; // it ends so where the disk says nothing
    }
  };

  const expected = (tree: SysfsTree, { disk }: DiskTree) => {
    if (/^(nvme|vd)/.test(disk)) return udev(tree, disk, 'test');
    const device = join(tree.root, 'class/block', disk, 'device');
    if (readFileSync(join(device, 'vendor'), 'utf8').startsWith('ATA'))
      return program(tree, disk, 'ata_id', '--export');
    const usb = udev(tree, disk, 'test-builtin', 'usb_id');
    return usb['ID_SERIAL'] === undefined
      ? program(tree, disk, 'scsi_id', '--export', '--whitelisted', '-d')
      : usb;
  };

  it.each(DISK_TREES)('$name', (scene) => {
    using tree = new SysfsTree();
    scene.build(tree);
    const found = listBlockDevices(tree.root).find(({ name }) => name === `/dev/${scene.disk}`)!;
    const path = udev(tree, scene.disk, 'test-builtin', 'path_id')['ID_PATH'];
    expect(found.by_path[0], 'ID_PATH').toBe(path && `/dev/disk/by-path/${path}`);
    const said = expected(tree, scene);
    expect(said['ID_SERIAL'], 'udev says something').toMatch(/./);
    const { ID_SERIAL_SHORT: short, ID_SERIAL: long, ID_WWN: wwn = null } = said;
    const serials = [...new Set([short ?? long, long])];
    expect(found.serial.slice(0, serials.length)).toEqual(serials);
    expect(found.wwn[0] ?? null, 'ID_WWN').toBe(wwn);
    if (!scene.disk.startsWith('nvme')) {
      expect(found.wwn_with_extension).toBe(said['ID_WWN_WITH_EXTENSION'] ?? null);
      expect(found.wwn_vendor_extension).toBe(said['ID_WWN_VENDOR_EXTENSION'] ?? null);
    }
  });
});
