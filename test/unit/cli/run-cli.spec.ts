import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { EXIT_STATUSES, exitStatusOf, fileFaultOf } from '../../../cli/exit-status.js';
import { readText } from '../../../image-build/session/input-file.js';
import { ferric } from '../../support/cli/command-line.js';

test('help goes to standard output, names every command and every exit status, and is no failure', async () => {
  const { status, stdout, stderr } = await ferric(['--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('image');
  for (const meaning of Object.values(EXIT_STATUSES)) expect(stdout).toContain(meaning);
});

test.each([
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['image', 'list', '--colour'], "unknown option '--colour'"],
])('%j is wrong use: status 2, and the mistake is named', async (args, said) => {
  const { status, stdout, stderr } = await ferric(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(said);
});

test.each([
  [2, {}, ['--endpoint', 'ftp://127.0.0.1'], 'not a URL of an endpoint: ftp://127.0.0.1'],
  [2, { OS_AUTH_TYPE: 'http_basic', OS_USERNAME: 'me' }, [], 'OS_PASSWORD is not set'],
  [2, { OS_AUTH_TYPE: 'v2token' }, [], 'OS_AUTH_TYPE v2token is not known'],
  [6, { OS_ENDPOINT: 'http://127.0.0.1:1' }, [], 'GET http://127.0.0.1:1/v2/images?limit=200'],
])('no way to the daemon: status %i (%j %j)', async (expected, environment, args, said) => {
  const { status, stderr } = await ferric(['image', 'list', ...args], environment as Record<string, string>);
  expect(status).toBe(expected);
  expect(stderr).toContain(said);
});

describe('places that cannot be written', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'ferric-cli-')), 'file');
  writeFileSync(file, '');
  afterAll(() => rmSync(dirname(file), { recursive: true }));
  const build = ['image', 'build', 'user', '--type', 'whole-disk', '--base', file, '--backend', 'loop'];

  test.each([
    [['-o', join(file, 'x')], `--output: ${file} is a file, not a directory`],
    [['-o', '/proc/nowhere/x'], "can't be made"],
    [['--log', join(file, 'x')], `--log: ${file} is a file, not a directory`],
    [['--scratch', file], `--scratch: ${file} is a file, not a directory`],
    [['--scratch', join(file, 'deep', 'x')], `--scratch: ${file} is a file, not a directory`],
    [['--cache', file], `--cache: ${file} is a file, not a directory`],
  ])('%j: status 2 and a sentence, at once', async (options, said) => {
    const { status, stderr } = await ferric([...build, ...options]);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(2);
  });

  test.each([
    [
      Object.assign(new Error('x'), { code: 'ENOSPC', syscall: 'write' }),
      4,
      'no space is left on the file system',
    ],
    [
      Object.assign(new Error('x'), { code: 'EROFS', syscall: 'open', path: '/a' }),
      4,
      '/a: the file system is read-only',
    ],
    [
      Object.assign(new Error('x'), { code: 'EISDIR', syscall: 'open', path: '/a' }),
      2,
      '/a: it is a directory',
    ],
    [
      Object.assign(new Error('x'), { code: 'ENOENT', syscall: 'rename', path: '/a', dest: '/b' }),
      2,
      '/b: no such file',
    ],
  ])('%s of the operating system is a sentence', (error, status, said) => {
    expect(fileFaultOf(error)).toMatchObject({ status, text: expect.stringContaining(said) as string });
    expect(exitStatusOf(error)).toBe(status);
  });

  test('an error of a socket is none of a file', () => {
    expect(
      fileFaultOf(Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' })),
    ).toBeUndefined();
  });
});

describe('files that cannot be read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ferric-cli-'));
  const file = join(folder, 'file');
  writeFileSync(file, 'text');
  afterAll(() => rmSync(folder, { recursive: true }));
  const user = ['image', 'build', 'user', '--type', 'whole-disk', '-o', join(folder, 'made')];
  const base = [...user, '--backend', 'loop', '--base'];
  const disk = 'is neither a file nor a disk';

  test.each([
    [['image', 'inspect', folder], `the image: ${folder}: it is a directory`],
    [['image', 'inspect', join(file, 'x')], `the image: ${file}/x: a part of the path is a file`],
    [['image', 'inspect', '/dev/zero'], `the image: /dev/zero ${disk}`],
    [['image', 'import-vm', folder], `the disk: ${folder}: it is a directory`],
    [['image', 'import-vm', '/dev/zero'], `the disk: /dev/zero ${disk}`],
    [['image', 'pipeline', 'plan', folder], `the build file: ${folder}: it is a directory`],
    [['image', 'pipeline', 'plan', join(file, 'x')], `the build file: ${file}/x: a part of the path is`],
    [['image', 'pipeline', 'run', '/dev/zero'], 'the build file: /dev/zero is longer than 4 MiB'],
    [['db', 'restore', folder], `the dump: ${folder}: it is a directory`],
    [['db', 'restore', '/dev/zero'], `the dump: /dev/zero ${disk}`],
    [[...base, folder], `--base: ${folder}: it is a directory`],
    [[...base, '/dev/zero'], `--base: /dev/zero ${disk}`],
    [[...base, file, '--run', folder], `--run: ${folder}: it is a directory`],
    [[...user, '--ssh-key', '/dev/zero'], '--ssh-key: /dev/zero is longer than 4 MiB'],
    [[...user, '--ssh-key', join(folder, 'no')], `--ssh-key: ${folder}/no: no such file or directory`],
    [[...user, '--root-password-file', folder], `--root-password-file: ${folder}: it is a directory`],
  ])('%j: status 2, the path and the reason, before any work', async (args, said) => {
    const { status, stderr } = await ferric(args);
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/ {4}at |started|\b(EISDIR|ENOTDIR|ENOENT)\b/);
    expect(status).toBe(2);
  });

  test('a text is read from a pipe as well', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const writer = spawn('sh', ['-c', `echo words > ${pipe}`]);
    expect(readText(pipe, '--ssh-key')).toBe('words\n');
    writer.kill();
  });
});

test.each([
  [['--user', 'root'], 'root is there already'],
  [['--user', 'sshd'], "one of the system's own accounts"],
  [['--backend', 'direct', '--size', '100'], 'a root file system of 100 MiB holds no system'],
])('%j is judged before the work', async (options, said) => {
  const { status, stderr } = await ferric(['image', 'build', 'user', '--type', 'partition', ...options]);
  expect(stderr).toContain(said);
  expect([2, 3]).toContain(status);
});
