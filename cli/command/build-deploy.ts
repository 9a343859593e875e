import { type Command, Option } from 'commander';
import {
  buildDeploy,
  DEPLOY_FLAVOURS,
  type DeployOptions,
  probeDeploy,
} from '../../image-build/deploy/ferric-ramdisk.js';
import { buildIronicDeploy, probeIronicAgent } from '../../image-build/deploy/ironic-ramdisk.js';
import { cacheDirectory, type GlobalOptions, type Shell } from '../shell.js';
import { printPublished } from './published.js';
import { useSession } from './session.js';

interface DeployCommandOptions extends GlobalOptions {
  agent: 'ferric' | 'ironic';
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
      new Option('--agent <agent>', 'Ferric’s own, or OpenStack’s ironic-python-agent by disk-image-builder')
        .choices(['ferric', 'ironic'])
        .default('ferric'),
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
      const { output, flavour, package: packages } = options;
      const cache = cacheDirectory(options, shell);
      const ironic = options.agent === 'ironic';
      if (ironic) await probeIronicAgent(shell.environment, shell.signal);
      else probeDeploy();
      const published = await useSession(
        shell,
        options,
        `${output}.log`,
        (session) =>
          ironic
            ? buildIronicDeploy(session, { output, packages, cache, environment: shell.environment })
            : buildDeploy(session, { output, flavour, packages, cache }),
        { output, cache },
      );
      printPublished(shell, published, options.json === true);
    });
}
