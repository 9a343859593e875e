import type { Command } from 'commander';
import type { JsonObject } from '../../src/domain/json.js';
import type { ProvisionVerb } from '../../src/domain/provision/table.js';
import { NodeApi } from '../api/node-api.js';
import { AT_ONCE, forEachNode } from '../node/bulk.js';
import { confirm } from '../node/confirm.js';
import { configDriveOf, type DeployOptions, instancePatch } from '../node/deploy-request.js';
import { selectNodes } from '../node/select.js';
import { goalOf, settle } from '../node/settle.js';
import { passwordIn, type StepOptions, stepsOf } from '../node/step-request.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { UsageError } from '../usage-error.js';

interface Acting {
  filter?: string;
  wait?: boolean;
  timeout?: string;
  yes?: boolean;
  concurrency: string;
}

interface Verb {
  /** As the API has it. */
  readonly verb: ProvisionVerb;
  readonly about: string;
  /** What is lost, for the question. */
  readonly loss?: string;
  /** Adds the verb's own options. */
  readonly options?: (command: Command) => void;
  /** The verb's own part of the request. @throws UsageError */
  readonly request?: (options: VerbOptions) => JsonObject;
}

interface VerbOptions extends StepOptions {
  passwordFile?: string;
}

const VERBS: Readonly<Record<string, Verb>> = {
  manage: { verb: 'manage', about: 'checks that the BMC can be reached; takes nodes out of the pool' },
  provide: {
    verb: 'provide',
    about: 'cleans nodes and puts them into the pool',
    loss: 'This cleans the disks of',
  },
  inspect: { verb: 'inspect', about: 'finds out what the machines have' },
  deploy: {
    verb: 'active',
    about: 'writes an image to the disks and boots it',
    loss: 'This erases the disks of',
    options: addDeployOptions,
  },
  rebuild: {
    verb: 'rebuild',
    about: 'writes the image anew',
    loss: 'This erases the disks of',
    options: addDeployOptions,
  },
  undeploy: { verb: 'deleted', about: 'ends the instance and cleans', loss: 'This erases the instances of' },
  clean: {
    verb: 'clean',
    about: 'runs clean steps on manageable nodes',
    loss: 'Clean steps may erase the disks of',
    options: addStepOptions,
    request: (options) => stepsOf(options, 'clean_steps'),
  },
  service: {
    verb: 'service',
    about: 'runs service steps on machines that run an instance',
    loss: 'This interrupts what runs on',
    options: addStepOptions,
    request: (options) => stepsOf(options, 'service_steps'),
  },
  rescue: {
    verb: 'rescue',
    about: 'boots a rescue system beside the instance',
    loss: 'This interrupts what runs on',
    options: (command) =>
      command.option('--password-file <file>', 'its first line is the password of user rescue'),
    request: ({ passwordFile }) => ({ rescue_password: passwordIn(passwordFile) }),
  },
  unrescue: { verb: 'unrescue', about: 'boots the instance again' },
  adopt: { verb: 'adopt', about: 'takes over machines that run an instance' },
  abort: { verb: 'abort', about: 'ends the work that waits' },
  unhold: { verb: 'unhold', about: 'lets work go on that holds' },
};

/** Verbs of provisioning, `ferric node power` and `ferric node wait`. */
export function addNodeVerbs(node: Command, shell: Shell): void {
  for (const [name, verb] of Object.entries(VERBS)) {
    const command = acting(node.command(name).description(verb.about)).option(
      '--wait',
      'until it is done; a failure is told with its cause',
    );
    if (verb.loss !== undefined) command.option('--yes', 'do not ask');
    verb.options?.(command);
    command.action((named: string[], options: Acting & DeployOptions & VerbOptions, self: Command) =>
      perform(new NodeApi(self.optsWithGlobals<GlobalOptions>(), shell), shell, verb, named, options),
    );
  }
  acting(node.command('wait').description('until nothing works on the nodes any more'))
    .option('--for <state>', 'the state that counts as success (default: any in which a node is idle)')
    .action(async (named: string[], options: Acting & { for?: string }, self: Command) => {
      const api = new NodeApi(self.optsWithGlobals<GlobalOptions>(), shell);
      const limits = limitsOf(options);
      const nodes = await selectNodes(api, shell, named, options.filter);
      await forEachNode(shell, nodes, limits.atOnce, async (one, tell) => {
        await settle(api, one, options.for ?? null, { ...limits, signal: shell.signal, tell });
      });
    });
  addPower(node, shell);
}

function acting(command: Command): Command {
  return command
    .argument('[node...]', 'names or UUIDs; - reads them from standard input')
    .option('--filter <filter>', 'the nodes that it finds (see ferric node list --help)')
    .option('--timeout <seconds>', 'of the wait for each node; status 124 then')
    .option('--concurrency <number>', 'nodes at once', String(AT_ONCE));
}

function addDeployOptions(command: Command): void {
  command
    .option('--image <reference>', 'URL, or UUID of the Image service')
    .option('--checksum <value>', 'hexadecimal digest, or URL of a file of sums')
    .option('--disk-format <format>', 'raw, qcow2, …')
    .option('--kernel <reference>', 'of a partition image')
    .option('--ramdisk <reference>', 'of a partition image')
    .option('--root-device <key=value...>', 'hints which disk, such as serial=X')
    .option('--hostname <name>', 'of the system (default with a config drive: the node’s name)')
    .option('--ssh-key <file...>', 'public keys that may log in')
    .option('--user-data <file>', 'for cloud-init')
    .option('--network-data <file>', 'network settings as JSON, in OpenStack’s form');
}

function addStepOptions(command: Command): void {
  command
    .option(
      '--step <step...>',
      'such as deploy.erase_devices_metadata, or with arguments raid.create_configuration:{"create_root_volume": true}',
    )
    .option('--steps <file>', 'list of steps in YAML or JSON, in Ironic’s form')
    .option('--runbook <name>', 'a runbook’s steps')
    .option('--no-ramdisk', 'no ramdisk is booted; only steps that need none');
}

async function perform(
  api: NodeApi,
  shell: Shell,
  { verb, loss, request }: Verb,
  named: readonly string[],
  options: Acting & DeployOptions & VerbOptions,
): Promise<void> {
  const limits = limitsOf(options);
  const own = request?.(options) ?? {};
  const nodes = await selectNodes(api, shell, named, options.filter);
  const patch = instancePatch(options);
  await configDriveOf(options, null); // its files are read before anything is asked of anybody
  if (loss !== undefined) await confirm(shell, options.yes === true, loss, nodes);
  await forEachNode(shell, nodes, limits.atOnce, async (one, tell) => {
    const before = await api.brief(one);
    const configdrive = await configDriveOf(options, before.name);
    if (patch.length > 0) await api.edit(one, patch);
    const body: JsonObject = { target: verb, ...own, ...(configdrive === undefined ? {} : { configdrive }) };
    await api.provision(one, body);
    if (options.wait) await settle(api, one, goalOf(before, verb), { ...limits, signal: shell.signal, tell });
  });
}

const POWER = { on: 'power on', off: 'power off', reboot: 'rebooting' } as const;

function addPower(node: Command, shell: Shell): void {
  node
    .command('power')
    .description('switches machines on or off, or restarts them')
    .argument('<on|off|reboot>')
    .argument('[node...]', 'names or UUIDs; - reads them from standard input')
    .option('--filter <filter>', 'the nodes that it finds (see ferric node list --help)')
    .option('--soft', 'the system is asked to shut down by itself')
    .option('--yes', 'do not ask')
    .option('--concurrency <number>', 'nodes at once', String(AT_ONCE))
    .action(async (to: string, named: string[], options: Acting & { soft?: boolean }, self: Command) => {
      if (to !== 'on' && to !== 'off' && to !== 'reboot')
        throw new UsageError(`power is on, off or reboot, not ${to}`);
      if (options.soft && to === 'on') throw new UsageError('power on cannot be soft');
      const limits = limitsOf(options);
      const api = new NodeApi(self.optsWithGlobals<GlobalOptions>(), shell);
      const nodes = await selectNodes(api, shell, named, options.filter);
      if (to !== 'on') await confirm(shell, options.yes === true, 'This stops what runs on', nodes);
      const target = options.soft ? `soft ${POWER[to]}` : POWER[to];
      await forEachNode(shell, nodes, limits.atOnce, (one) => api.power(one, target));
    });
}

/** @throws UsageError */
function limitsOf({ timeout, concurrency }: Acting): { atOnce: number; timeout: number | undefined } {
  const limit = timeout === undefined ? undefined : numberOf('--timeout', timeout) * 1000;
  return { atOnce: numberOf('--concurrency', concurrency), timeout: limit };
}

/** @throws UsageError for what is no positive number */
function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${option} is a number above 0, not ${text}`);
  return value;
}
