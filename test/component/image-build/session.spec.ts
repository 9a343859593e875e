import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileFaultOf } from '../../../cli/exit-status.js';
import { MissingToolsError, ProgramError } from '../../../image-build/error.js';
import { run } from '../../../image-build/process/run.js';
import { BuildSession, type StageEvent } from '../../../image-build/session/build-session.js';
import { loopDevicesOf, mountsBelow } from '../../../image-build/session/leftover.js';
import { sweep } from '../../../image-build/session/scratch.js';
import { CancelledError } from '../../../src/domain/errors.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ferric-session-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const use = <T>(work: (session: BuildSession) => Promise<T>, signal?: AbortSignal, seen: StageEvent[] = []) =>
  BuildSession.use(
    {
      logFile: join(home, 'build.log'),
      scratchBase: join(home, 'scratch'),
      onEvent: (event) => seen.push(event),
      ...(signal ? { signal } : {}),
    },
    work,
  );
const left = () => readdirSync(join(home, 'scratch'));
const running = (mark: string) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(mark);
      } catch {
        return false; // gone meanwhile
      }
    });

/** Mounts, a loop device, a process that has left its group and ignores SIGTERM, all of the build's own scratch. */
const mess = (scratch: string, mark: string) => `set -e
cd "${scratch}"
mkdir tree
mount -t tmpfs none tree
mkdir tree/inner
mount --bind . tree/inner
truncate -s 1M disk.raw
losetup --find "$PWD/disk.raw"
setsid --fork sh -c "trap '' TERM; while :; do sleep 1; done; : ${mark}"
`;

describe('a build session', () => {
  test('publishes all files at once with sums that sha256sum agrees with, and keeps only the log besides', async () => {
    const seen: StageEvent[] = [];
    const published = await use(
      async (session) => {
        await session.stage('make', async (stage) => {
          writeFileSync(session.path('a'), 'one');
          writeFileSync(session.path('b'), 'two two');
          stage.note('by hand');
          await run('sh', ['-c', 'echo heard; echo said >&2']);
        });
        const targets = {
          [join(home, 'out.a')]: session.path('a'),
          [join(home, 'out.b')]: session.path('b'),
        };
        return session.publish(targets, join(home, 'out.sha256'));
      },
      undefined,
      seen,
    );
    expect(published.map(({ size }) => size)).toEqual([3, 7]);
    execFileSync('sha256sum', ['--check', '--strict', 'out.sha256'], { cwd: home, stdio: 'pipe' });
    expect(readdirSync(home).sort()).toEqual(['build.log', 'out.a', 'out.b', 'out.sha256', 'scratch']);
    expect(left()).toEqual([]);
    const log = readFileSync(join(home, 'build.log'), 'utf8');
    expect(log).toMatch(/== make\n\$ sh -c .*\nheard\nsaid\n/s);
    expect(seen.map(({ kind }) => kind)).toEqual(['started', 'finished', 'cleaning']);
    expect(seen[1]).toMatchObject({ stage: 'make', note: 'by hand' });
  });

  test('a publication that fails half-way leaves no file and no partial file', async () => {
    const work = use(async (session) => {
      writeFileSync(session.path('a'), 'one');
      const targets = {
        [join(home, 'out.a')]: session.path('a'),
        [join(home, 'out.b')]: session.path('absent'),
      };
      return session.publish(targets, join(home, 'out.sha256'));
    });
    await expect(work).rejects.toThrow('ENOENT');
    expect(readdirSync(home).sort()).toEqual(['build.log', 'scratch']);
  });

  test('a scratch file system that is full is named, and nothing of the build stays there', async () => {
    const full = join(home, 'scratch');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', full]);
    try {
      expect(() => writeFileSync(join(full, 'fill'), Buffer.alloc(128 * 1024))).toThrow('ENOSPC');
      const error: unknown = await use(async () => undefined).catch((thrown: unknown) => thrown);
      expect(fileFaultOf(error)).toMatchObject({
        status: 4,
        text: expect.stringMatching(`^${full}/ferric-build-.*: no space is left`) as string,
      });
      expect(left()).toEqual(['fill']);
    } finally {
      execFileSync('umount', [full]);
    }
  });

  test('a program that fails is named with its last words; one that is missing is named', async () => {
    const failing = use(() => run('sh', ['-c', 'echo no such luck >&2; exit 3']));
    await expect(failing).rejects.toMatchObject({ status: 3, output: 'no such luck' });
    await expect(use(() => run('sh', ['-c', 'exit 3']))).rejects.toBeInstanceOf(ProgramError);
    await expect(use(() => run('no-such-program', []))).rejects.toBeInstanceOf(MissingToolsError);
  });

  test('given up: mounts, loop devices, processes of any session and files are gone', async () => {
    const given = new AbortController();
    const mark = `mess-${process.pid}-given`;
    const seen: StageEvent[] = [];
    const work = use(
      (session) =>
        session.stage('mess', async () => {
          await run('sh', ['-c', mess(session.scratch, mark)]);
          expect(mountsBelow(session.scratch)).toHaveLength(2);
          expect(loopDevicesOf(session.scratch)).toHaveLength(1);
          expect(running(mark).length).toBeGreaterThan(0);
          setTimeout(() => given.abort(), 200);
          await run('sleep', ['60']);
        }),
      given.signal,
      seen,
    );
    await expect(work).rejects.toBeInstanceOf(CancelledError);
    expect(left()).toEqual([]);
    expect(mountsBelow(home)).toEqual([]);
    expect(loopDevicesOf(home)).toEqual([]);
    expect(running(mark)).toEqual([]);
    expect(seen.at(-2)).toMatchObject({ kind: 'failed', stage: 'mess', cancelled: true });
  });

  test('killed: the next one clears what it left, and nothing of one that is at work', async () => {
    const mark = `mess-${process.pid}-killed`;
    const build = join(home, 'killed.mjs');
    const dist = join(process.cwd(), 'dist/image-build');
    writeFileSync(
      build,
      `import { BuildSession } from '${dist}/session/build-session.js';
import { run } from '${dist}/process/run.js';
await BuildSession.use({ logFile: '${home}/killed.log', scratchBase: '${home}/scratch' }, async (session) => {
  await run('sh', ['-c', ${JSON.stringify(mess('$PWD', mark))}], { cwd: session.scratch });
  console.log('ready');
  await run('sleep', ['600']);
});
`,
    );
    const child = execFile(process.execPath, [build]);
    await new Promise<void>((resolve, reject) => {
      child.stdout!.on('data', () => resolve());
      child.once('exit', () => reject(new Error('the build ended before it was killed')));
    });
    await use(async (session) => {
      expect(left()).toHaveLength(2); // one that is alive is let be
      expect(existsSync(session.scratch)).toBe(true);
    });
    expect(left()).toHaveLength(1);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    expect(mountsBelow(home)).toHaveLength(2);
    expect(loopDevicesOf(home)).toHaveLength(1);
    await sleep(100);
    expect(await sweep(join(home, 'scratch'))).toHaveLength(1);
    expect(left()).toEqual([]);
    expect(mountsBelow(home)).toEqual([]);
    expect(loopDevicesOf(home)).toEqual([]);
    expect(running(mark)).toEqual([]);
  });
});
