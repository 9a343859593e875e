import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPublished } from '../../../../src/netboot/published/open-file.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-open-'));
  writeFileSync(join(directory, 'file'), 'abc');
  symlinkSync('file', join(directory, 'link'));
  symlinkSync('folder', join(directory, 'way'));
  mkdirSync(join(directory, 'folder/below'), { recursive: true });
  writeFileSync(join(directory, 'folder/below/file'), 'abcd');
  execFileSync('mkfifo', [join(directory, 'fifo')]);
});
afterAll(() => rmSync(directory, { recursive: true }));

const size = async (path: string, links = false, roots = [directory]) => {
  const file = await openPublished(path, links ? null : roots);
  await file?.handle.close();
  return file?.stats.size ?? null;
};

it('opens regular files, and links only where they may be', async () => {
  expect(await size(join(directory, 'file'))).toBe(3);
  expect(await size(join(directory, 'link'))).toBeNull();
  expect(await size(join(directory, 'link'), true)).toBe(3);
});

it.each(['missing', 'folder', 'fifo', 'file/below'])('has no %s', async (name) => {
  expect(await size(join(directory, name))).toBeNull();
  expect(await size(join(directory, name), true)).toBeNull();
});

it('has no devices', async () => {
  expect(await size('/dev/zero')).toBeNull();
});

it('has what lies below a root, and nothing else', async () => {
  const deep = join(directory, 'folder/below/file');
  expect(await size(deep)).toBe(4);
  for (const roots of [
    [`${directory}/`],
    ['/nosuch', join(directory, 'folder')],
    ['/'],
    [`${directory}/./folder/../`],
  ]) {
    expect(await size(deep, false, roots), roots.join()).toBe(4);
  }
  for (const roots of [
    [],
    ['/nosuch'],
    [join(directory, 'fold')],
    [deep],
    [join(directory, 'folder/below/file/x')],
  ]) {
    expect(await size(deep, false, roots), roots.join()).toBeNull();
  }
  expect(await size('/etc/passwd')).toBeNull();
});

it.each(['folder/../file', './file', '/file', 'folder/below/.', 'folder/below/', '../etc/passwd', ''])(
  'takes no path as %j',
  async (name) => {
    expect(await size(`${directory}/${name}`)).toBeNull();
  },
);

it('goes through no link below the root, while the root may be one', async () => {
  expect(await size(join(directory, 'way/below/file'))).toBeNull();
  expect(await size(join(directory, 'way/below/file'), true)).toBe(4);
  expect(await size(join(directory, 'way/below/file'), false, [join(directory, 'way')])).toBe(4);
});

it('leaves no file open', async () => {
  const open = () => readdirSync('/proc/self/fd').length;
  await size(join(directory, 'file'));
  const before = open();
  for (const name of [
    'file',
    'folder/below/file',
    'folder/below/nosuch',
    'way/below/file',
    'fifo',
    'folder',
  ]) {
    await size(join(directory, name));
  }
  expect(open()).toBe(before);
});
