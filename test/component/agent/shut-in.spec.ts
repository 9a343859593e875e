import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runShutIn } from '../../../agent/src/grub/shut-in.js';
import { hostileImage, WAYS_OUT, WRITABLE, waysOut } from '../../support/agent/hostile-image.js';
import { LoopDevice } from '../../support/loop-device.js';

/** Account 0 of an image, as it is outside. */
const NOBODY = 0x70000000;

/** A hostile image: its "installer" tries what it should not reach. Needs root, as the agent has it. */
describe('a program of a partition image', () => {
  let root: string;
  let secret: string;
  let abstract: Server;
  const name = `ferric-shut-in-${process.pid}`;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'image-'));
    secret = join(tmpdir(), `secret-${process.pid}`);
    writeFileSync(secret, 'canary-agent-token');
    hostileImage(root);
    process.env['FERRIC_SECRET'] = 'canary-agent-token';
    abstract = createServer().listen(`\0${name}`);
    await new Promise((resolve) => abstract.once('listening', resolve));
  });
  afterAll(() => {
    delete process.env['FERRIC_SECRET'];
    abstract.close();
    rmSync(root, { recursive: true });
    rmSync(secret);
  });

  /** What the shell prints, errors too. */
  const attempt = (script: string, options: { timeout?: number; memory?: number } = {}) =>
    runShutIn(root, [], ['/bin/sh', '-c', `export PATH=/bin; { ${script}; } 2>&1; true`], options);
  const ways = async () =>
    waysOut(
      await runShutIn(
        root,
        [],
        ['/bin/sh', '-c', 'export NAME="$0" CANARY="$1"; exec /usr/bin/perl -e "$2"', name, secret, WAYS_OUT],
      ),
    );
  const ofTheImage = () =>
    readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && statSync(`/proc/${pid}`).uid === NOBODY;
      } catch {
        return false; // ended meanwhile
      }
    });

  it('is root of its own root, nobody outside, without any capability', async () => {
    expect(await attempt('cat /proc/self/uid_map; echo x > /written; ls /')).toMatch(
      new RegExp(`^\\s*0\\s+${NOBODY}\\s+65536\\n(.*\\n)*written\\n`),
    );
    // What it writes is the image's root's, not its own outside.
    expect(statSync(join(root, 'written')).uid).toBe(0);
    rmSync(join(root, 'written'));
    const status = await attempt('cat /proc/self/status');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status).toContain(`${set}:\t0000000000000000`);
    expect(status).toMatch(/NoNewPrivs:\s1\n/);
    expect(status).toMatch(/Seccomp:\s2\n/);
  });

  it('finds no way out of all that are known', async () => {
    const found = await ways();
    expect(found.size).toBeGreaterThan(120);
    const open = [...found].filter(([, how]) => how === 'ok').map(([way]) => way);
    expect(open).toEqual([]);
  });

  it('sees its own mounts only, and can write to the image’s alone', async () => {
    const mounts = (await attempt('cat /proc/self/mounts')).trim().split('\n');
    expect(mounts.map((line) => line.split(' ')[1])).toEqual(['/', '/dev', '/proc', '/sys', '/run']);
    for (const line of mounts.slice(1)) expect(line.split(' ')[3], line).toMatch(/^ro,/);
    const written = await runShutIn(
      root,
      [],
      ['/usr/bin/perl', '-e', WRITABLE, '/dev', '/proc', '/sys', '/run'],
    );
    expect(written.trim().split('\n').sort()).toEqual(
      ['full', 'null', 'random', 'urandom', 'zero'].map((device) => `/dev/${device}`),
    );
  });

  it('has no network, no process but its own, and no device but those it is shown', async () => {
    expect((await attempt('ls /sys/class/net')).trim()).toBe('lo');
    expect((await attempt('echo /proc/[0-9]*')).trim().split(' ').length).toBeLessThan(3);
    const seen = async (devices: Parameters<typeof runShutIn>[1]) =>
      (await runShutIn(root, devices, ['/bin/ls', '-R', '/dev'])).split(/\s+/).filter(Boolean);
    const always = ['disk', 'fd', 'full', 'null', 'random', 'urandom', 'zero'];
    expect(await seen([])).toEqual(['/dev:', ...always, '/dev/disk:', 'by-uuid', '/dev/disk/by-uuid:']);
  });

  it('may write to a disk that it is shown for that, and to no other', async () => {
    const file = join(tmpdir(), `disk-${process.pid}`);
    writeFileSync(file, '');
    truncateSync(file, 2 ** 20);
    try {
      using loop = LoopDevice.over(file);
      const write = (writable: boolean) =>
        runShutIn(
          root,
          [{ path: loop.path, uuid: 'abcd-1234', writable }],
          [
            '/bin/sh',
            '-c',
            `export PATH=/bin; cat ${loop.path} > /dev/null && echo GRUB 1<> ${loop.path} && ls /dev/disk/by-uuid`,
          ],
        );
      await expect(write(false)).rejects.toThrow(/Permission denied/);
      expect((await write(true)).trim()).toBe('abcd-1234');
      execFileSync('blockdev', ['--flushbufs', loop.path]);
      expect(readFileSync(file).subarray(0, 4).toString()).toBe('GRUB');
    } finally {
      rmSync(file);
    }
  });

  it('cannot read an open file of the agent, nor leave a process behind', async () => {
    const open = openSync(secret, 'r');
    try {
      expect(await attempt('cat <&3; cat <&20; ls -l /proc/self/fd')).not.toContain('canary');
    } finally {
      closeSync(open);
    }
    await attempt('setsid sleep 300 & setsid sh -c "trap : TERM HUP; sleep 300" & sleep 0.2');
    expect(ofTheImage()).toEqual([]);
  });

  it('is bounded in time, in memory and in processes', async () => {
    await expect(
      attempt('setsid sh -c "trap : TERM; while :; do :; done" & sleep 100', { timeout: 2_000 }),
    ).rejects.toThrow('did not end within 2 s');
    await expect.poll(ofTheImage, { timeout: 10_000 }).toEqual([]);
    const greedy = `my @all; for my $n (1 .. 400) { push @all, 'x' x 2**20 } print "had it all\\n"`;
    const took = (memory: number) =>
      runShutIn(root, [], ['/usr/bin/perl', '-e', greedy], { memory: memory * 2 ** 20 });
    await expect(took(64)).rejects.toThrow(/exit status 137/);
    expect(await took(900)).toContain('had it all');
    const bomb =
      'my $n = 0; while ($n < 2000) { my $p = fork() // last; if (!$p) { sleep 100 } $n++ } print $n;';
    expect(Number(await runShutIn(root, [], ['/usr/bin/perl', '-e', bomb]))).toBeLessThan(257);
    expect(ofTheImage()).toEqual([]);
  });

  it('is refused where its root leads elsewhere by a link', async () => {
    rmSync(join(root, 'run'), { recursive: true, force: true });
    symlinkSync('/etc', join(root, 'run'));
    await expect(attempt('true')).rejects.toThrow('/run of the image is a link');
    rmSync(join(root, 'run'));
  });

  it('is not run where a wall cannot be had: a file system whose accounts cannot be mapped', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'overlay-'));
    const parts = ['upper', 'work', 'merged'].map((part) => join(dir, part));
    const [upper, work, merged] = parts as [string, string, string];
    execFileSync('mkdir', parts);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', upper]);
    execFileSync('mkdir', [join(upper, 'u'), join(upper, 'w')]);
    const options = `lowerdir=${root},upperdir=${join(upper, 'u')},workdir=${join(upper, 'w')}`;
    execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', merged]);
    try {
      await expect(runShutIn(merged, [], ['/bin/sh', '-c', 'echo x > /ran'])).rejects.toMatchObject({
        type: 'InvalidImage',
        details: expect.stringMatching(/cannot be shut in .* not run: .*map the accounts of the image/),
      });
      expect(readdirSync(merged)).not.toContain('ran');
    } finally {
      execFileSync('umount', [merged]);
      execFileSync('umount', [upper]);
      rmSync(dir, { recursive: true });
      void work;
    }
  });
});
