import { type Command, Option } from 'commander';
import {
  buildDeploy,
  DEPLOY_FLAVOURS,
  type DeployOptions,
  probeDeploy,
} from '../../image-build/deploy/ferric-ramdisk.js';
import { cacheDirectory, type GlobalOptions, type Shell } from '../shell.js';
import { printPublished } from './published.js';
import { useSession } from './session.js';

interface DeployCommandOptions extends GlobalOptions {
  flavour: DeployOptions['flavour'];
  package: string[];
  output: string;
  json?: boolean;
}

export function addBuildDeploy(build: Command, shell: Shell): void {
  build
    .command('deploy')
    .description(
      'the kernel and ramdisk that machines are deployed with: NAME.kernel, NAME.initramfs, NAME.sha256',
    )
    .addOption(
      new Option('--flavour <flavour>', 'drivers of virtio devices, of virtual machines, of real machines')
        .choices(DEPLOY_FLAVOURS)
        .default('virtual'),
    )
    .option('--package <name...>', 'Debian packages whose firmware is taken along', [])
    .option('-o, --output <name>', 'where the files go', 'ferric-agent')
    .option('--json', 'the result as JSON')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DeployCommandOptions>();
      probeDeploy();
      const published = await useSession(shell, options, `${options.output}.log`, (session) =>
        buildDeploy(session, {
          output: options.output,
          flavour: options.flavour,
          packages: options.package,
          cache: cacheDirectory(options, shell),
        }),
      );
      printPublished(shell, published, options.json === true);
    });
}
