import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../process/run.js';
import { makeDirectory } from '../session/directory.js';

export interface DebianPackage {
  name: string;
  version: string;
}

/** Versions that apt would install now, by this machine's sources. @throws ExecaError for a name unknown to apt */
export async function candidates(names: readonly string[]): Promise<DebianPackage[]> {
  const found: DebianPackage[] = [];
  for (const name of names) {
    const policy = await run('apt-cache', ['policy', name]);
    const version = /Candidate: (\S+)/.exec(policy)?.[1];
    if (version === undefined || version === '(none)')
      throw new Error(`apt knows no package ${name}; are its lists empty (apt-get update)?`);
    found.push({ name, version });
  }
  return found;
}

/** The package that a kernel metapackage such as linux-image-cloud-amd64 depends on. */
export async function kernelPackage(metapackage: string): Promise<string> {
  const depends = await run('apt-cache', ['depends', metapackage]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`apt knows no kernel behind ${metapackage}`);
  return name;
}

/** Downloads packages (apt verifies their signatures) and unpacks them below `root`; nothing is installed. */
export async function unpackPackages(packages: readonly DebianPackage[], root: string): Promise<void> {
  const downloads = join(root, '..', 'deb');
  makeDirectory(downloads);
  makeDirectory(root);
  const exact = packages.map(({ name, version }) => `${name}=${version}`);
  await run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', ...exact], {
    cwd: downloads,
    timeout: 600_000,
  });
  for (const file of readdirSync(downloads).filter((name) => name.endsWith('.deb')))
    await run('dpkg-deb', ['-x', join(downloads, file), root], { timeout: 120_000 });
}
