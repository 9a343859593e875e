import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runTool } from './run-tool.js';

export interface ModuleTree {
  kernelVersion: string;
  /** Files relative to the tree, such as `lib/modules/6.1…/kernel/…/nvme.ko`. */
  files: string[];
  /** Modules of the recipe that are built into this kernel or absent from it. */
  absent: string[];
}

/**
 * Copies the wanted modules of the package root, with their dependencies, to `target`, and makes new indexes.
 * @throws Error when the root holds no kernel, or more than one
 */
export async function copyModules(
  root: string,
  target: string,
  wanted: Iterable<string>,
): Promise<ModuleTree> {
  const base = join(root, 'lib/modules');
  const versions = await readdir(base);
  if (versions.length !== 1)
    throw new Error(`expected one kernel in the package root, found ${versions.length}`);
  const kernelVersion = versions[0]!;
  const from = join(base, kernelVersion);
  await runTool('depmod', ['-b', root, kernelVersion]);
  const dependencies = new Map<string, string[]>();
  const byName = new Map<string, string>();
  for (const line of (await readFile(join(from, 'modules.dep'), 'utf8')).split('\n')) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const file = line.slice(0, colon);
    dependencies.set(
      file,
      line
        .slice(colon + 1)
        .split(' ')
        .filter(Boolean),
    );
    byName.set(moduleName(file), file);
  }
  // Soft dependencies (crc32c-intel for crc32c, for example) are loaded when present and never required.
  const chosen = new Set<string>();
  const absent: string[] = [];
  for (const name of new Set(wanted)) {
    const file = byName.get(name.replaceAll('-', '_'));
    if (file === undefined) absent.push(name);
    else add(file);
  }
  function add(file: string): void {
    if (chosen.has(file)) return;
    chosen.add(file);
    for (const dependency of dependencies.get(file) ?? []) add(dependency);
  }

  await rm(target, { recursive: true, force: true });
  const to = join(target, 'lib/modules', kernelVersion);
  for (const file of chosen) {
    await mkdir(dirname(join(to, file)), { recursive: true });
    await copyFile(join(from, file), join(to, file));
  }
  await mkdir(to, { recursive: true });
  for (const index of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    await copyFile(join(from, index), join(to, index));
  }
  await runTool('depmod', ['-b', target, kernelVersion]);
  const files = (await readdir(target, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1));
  // modprobe reads the .bin indexes; the text forms are for people, except these.
  const kept = files.filter((file) => !/modules\.(alias|symbols|devname|order)$/.test(file));
  return { kernelVersion, files: kept.sort(), absent };
}

function moduleName(file: string): string {
  return basename(file)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
