import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FLAVOURS, type Flavour } from '../../agent/ramdisk/recipe.js';
import { MissingToolsError } from '../error.js';
import { missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';

export const DEPLOY_FLAVOURS = Object.keys(FLAVOURS) as readonly Flavour[];

export interface DeployOptions {
  /** Path of the results, without extension: `.kernel`, `.initramfs` and `.sha256` follow. */
  output: string;
  flavour: Flavour;
  /** Debian packages whose firmware is included. */
  packages: readonly string[];
  cache: string;
}

/** @throws MissingToolsError before any work */
export function probeDeploy(): void {
  const missing = missingTools(['apt-get', 'dpkg-deb', 'depmod', 'mksquashfs', 'strip']);
  if (missing.length > 0) throw new MissingToolsError(missing);
}

/** Kernel and ramdisk with Ferric's own agent. The builder runs as a child process, so that it can be ended. */
export async function buildDeploy(session: BuildSession, options: DeployOptions): Promise<PublishedFile[]> {
  const { output, flavour, packages, cache } = options;
  const out = session.path('deploy');
  await session.stage('deploy ramdisk', async (stage) => {
    stage.watch(join(out, `${flavour}.ramdisk`));
    const args = ['--out', out, '--flavour', flavour, '--cache', join(cache, 'ramdisk')];
    const extra = packages.flatMap((name) => ['--package', name]);
    await run(process.execPath, [builder(), ...args, ...extra], { timeout: 1_800_000, capture: false });
  });
  const files = {
    [`${output}.kernel`]: join(out, `${flavour}.kernel`),
    [`${output}.initramfs`]: join(out, `${flavour}.ramdisk`),
  };
  return session.stage('publish', () => session.publish(files, `${output}.sha256`));
}

/** Path of the compiled builder, also when this file runs uncompiled. */
function builder(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (!existsSync(manifest)) continue;
    if ((JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'ferric')
      return join(folder, 'dist/agent/ramdisk/main.js');
  }
  throw new Error('the builder of the ramdisk is not beside this program');
}
