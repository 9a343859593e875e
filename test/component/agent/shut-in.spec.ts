import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runShutIn } from '../../../agent/src/grub/shut-in.js';

/** A hostile image: its "installer" is a shell that tries what it should not reach. Needs root, as the agent has it. */
describe('a program of a partition image', () => {
  let root: string;
  let secret: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'image-'));
    secret = join(tmpdir(), `secret-${process.pid}`);
    writeFileSync(secret, 'canary-agent-token');
    const libraries = execFileSync('ldd', ['/bin/busybox'], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
    // A static one has none.
    for (const path of ['/bin/busybox', ...[...libraries].map((match) => match[1]!)]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      copyFileSync(path, join(root, path));
    }
    for (const name of ['sh', 'chroot', 'mknod', 'umount', 'mount', 'cat', 'ls', 'ip']) {
      symlinkSync('busybox', join(root, 'bin', name));
    }
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
    rmSync(secret);
  });
  /** What the shell prints, errors too. */
  const attempt = (script: string) =>
    runShutIn(root, [], ['/bin/sh', '-c', `export PATH=/bin; { ${script}; } 2>&1; true`]);

  it('runs as root of its own root, and may write there', async () => {
    expect(await attempt('echo "$(cat /proc/self/uid_map)"; echo x > /written; ls /')).toMatch(
      /^\s*0\s+0\s+1\n(.*\n)*written\n/,
    );
    rmSync(join(root, 'written'));
  });

  it('has no network, no process but its own, and no device but those it is shown', async () => {
    const links = await attempt('ip -o link');
    expect(links.trim().split('\n')).toHaveLength(1);
    expect(links).toContain('lo:');
    expect(await attempt('ls -d /proc/[0-9]*')).not.toMatch(/\/proc\/\d{3,}/);
    expect((await attempt('ls /dev')).split('\n').filter(Boolean)).toEqual([
      'disk',
      'fd',
      'full',
      'null',
      'random',
      'urandom',
      'zero',
    ]);
  });

  it.each([
    ['make a device', 'mknod /null2 c 1 3', /not permitted/],
    ['change the kernel', 'echo 1 > /proc/sys/kernel/panic', /Read-only file system/],
    ['reset the machine', 'echo b > /proc/sysrq-trigger', /Read-only file system|nonexistent/],
    [
      'write to devices through sysfs',
      'echo 1 > /sys/power/wakeup_count',
      /Read-only file system|nonexistent/,
    ],
    ['mount the firmware’s or another file system', 'mount -t debugfs none /tmp', /denied|not permitted/],
  ])('cannot %s', async (_what, script, words) => {
    expect(await attempt(script)).toMatch(words);
  });

  it('finds neither token nor images of the ramdisk', async () => {
    const said = await attempt(
      `cat "/../../..${secret}"; cat /proc/1/root${secret}; cat /proc/1/cwd/../..${secret}`,
    );
    expect(said).not.toContain('canary');
    expect(said.match(/No such file/g)).toHaveLength(3);
  });

  it('is refused where its root leads elsewhere by a link', async () => {
    rmSync(join(root, 'run'), { recursive: true, force: true });
    symlinkSync('/etc', join(root, 'run'));
    await expect(attempt('true')).rejects.toThrow('/run of the image is a link');
    rmSync(join(root, 'run'));
  });
});
