import { lstat, readdir, readFile, readlink, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CpioEntry } from '../../src/protocol/cpio.js';
import { readElfNeeds } from './elf.js';
import { BUSYBOX_APPLETS, KMOD_NAMES, PROGRAMS } from './recipe.js';
import { runTool } from './run-tool.js';

/** The files outside of /usr, needed before it is mounted: directories, devices, a few files of /etc. */
export function skeleton(): CpioEntry[] {
  const directories = ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'mnt', 'usr', 'var/log', 'agent', 'etc'];
  const text = (path: string, content: string): CpioEntry => ({
    path,
    kind: 'file',
    mode: 0o644,
    content: Buffer.from(content),
  });
  return [
    ...directories.map((path): CpioEntry => ({ path, kind: 'directory' })),
    ...['sbin', 'lib', 'lib64'].map(
      (name): CpioEntry => ({ path: name, kind: 'symlink', target: `usr/${name}` }),
    ),
    // The kernel opens it for /init's first output, before devtmpfs is mounted.
    { path: 'dev/console', kind: 'character', mode: 0o600, major: 5, minor: 1 },
    { path: 'dev/null', kind: 'character', mode: 0o666, major: 1, minor: 3 },
    { path: 'bin/sh', kind: 'symlink', target: 'busybox' },
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    text('etc/group', 'root:x:0:\n'),
    // No login before a rescue.
    { path: 'etc/shadow', kind: 'file', mode: 0o600, content: Buffer.from('root:*:1::::::\n') },
    text('etc/hosts', '127.0.0.1 localhost\n::1 localhost\n'),
    text('etc/resolv.conf', ''),
    { path: 'etc/mtab', kind: 'symlink', target: '/proc/self/mounts' },
  ];
}

/** The programs of the recipe, the Node binary, and all their libraries. */
export async function programs(root: string, nodeBinary: string, cacheDir: string): Promise<CpioEntry[]> {
  const entries = new Map<string, CpioEntry>();
  const missing: string[] = [];
  const addFile = async (path: string, source: string) => {
    if (entries.has(path)) return;
    const content = await readFile(source);
    entries.set(path, { path, kind: 'file', mode: 0o755, content });
    const needs = readElfNeeds(content);
    if (!needs) return;
    if (needs.interpreter) await addLibrary(needs.interpreter.split('/').at(-1)!, ['/lib64']);
    for (const name of needs.needed) await addLibrary(name, needs.runPath);
  };
  const addLibrary = async (name: string, runPath: readonly string[]) => {
    for (const dir of [...runPath, '/lib/x86_64-linux-gnu', '/lib64', '/lib']) {
      const path = `usr/${join(dir, name).replace(/^\/(usr\/)?/, '')}`;
      const source = join(root, path);
      if ((await sizeOf(source)) !== undefined) return addFile(path, await insideRoot(root, source));
    }
    missing.push(name);
  };
  for (const name of PROGRAMS) {
    const found = await firstExisting(['bin', 'sbin'].map((dir) => join(root, 'usr', dir, name)));
    if (found === undefined) missing.push(name);
    else await addFile(found.slice(root.length + 1), await insideRoot(root, found));
  }
  await addFile('usr/bin/node', await strippedNode(nodeBinary, cacheDir));
  // Loaded by name at run time, so no program lists them: the C library's name resolution.
  for (const name of ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']) await addLibrary(name, []);
  if (missing.length > 0) throw new Error(`the Debian packages hold no ${missing.join(', ')}`);
  const link = (dir: string, name: string, target: string) => {
    if (entries.has(`usr/bin/${name}`) || entries.has(`usr/sbin/${name}`)) return;
    entries.set(`usr/${dir}/${name}`, { path: `usr/${dir}/${name}`, kind: 'symlink', target });
  };
  // The kernel itself calls /sbin/modprobe for a missing file system.
  for (const name of KMOD_NAMES) link('sbin', name, '../bin/kmod');
  for (const name of BUSYBOX_APPLETS) link('bin', name, '/bin/busybox');
  return [...entries.values()];
}

/** Whole directories or single files of the package root, where they exist. */
export async function trees(root: string, paths: readonly string[]): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [];
  for (const path of paths) {
    const source = join(root, path);
    const stats = await stat(source).catch(() => undefined);
    if (stats === undefined) continue;
    const files = stats.isFile()
      ? [source]
      : (await readdir(source, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name));
    for (const file of files) {
      entries.push({
        path: file.slice(root.length + 1),
        kind: 'file',
        mode: 0o644,
        content: await readFile(file),
      });
    }
  }
  return entries;
}

/** Files of this repository, all shell: init becomes `/init`, the others go to /etc. */
export async function readOverlay(dir: string): Promise<CpioEntry[]> {
  const names = (await readdir(dir)).sort();
  return Promise.all(
    names.map(async (name): Promise<CpioEntry> => {
      const path = name === 'init' ? 'init' : `etc/${name}`;
      return { path, kind: 'file', mode: 0o755, content: await readFile(join(dir, name)) };
    }),
  );
}

/** Resolves an absolute link inside the package root, not on this machine. */
async function insideRoot(root: string, path: string): Promise<string> {
  let current = path;
  for (let hops = 0; hops < 16; hops++) {
    if (!(await lstat(current)).isSymbolicLink()) return current;
    const target = await readlink(current);
    current = target.startsWith('/') ? join(root, target) : join(dirname(current), target);
  }
  throw new Error(`${path.slice(root.length)} is a circle of links`);
}

/** Node's binary without debug symbols, which are 15 % of it. */
async function strippedNode(nodeBinary: string, cacheDir: string): Promise<string> {
  const { size, mtimeMs } = await stat(nodeBinary);
  const stripped = join(cacheDir, `node-${size}-${Math.round(mtimeMs)}`);
  if ((await sizeOf(stripped)) !== undefined) return stripped;
  await runTool('strip', ['--strip-all', '-o', `${stripped}.part`, nodeBinary]);
  await rename(`${stripped}.part`, stripped);
  return stripped;
}

async function firstExisting(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await sizeOf(path)) !== undefined) return path;
  return undefined;
}

/** Size in bytes; undefined for a missing file. Links are not followed. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return (await lstat(path).catch(() => undefined))?.size;
}
