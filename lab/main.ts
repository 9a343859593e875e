import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isAlive } from '../image-build/process/process-identity.js';
import { describeLab, readDescription, writeDescription } from './description.js';
import { debianImage } from './image/debian-image.js';
import { tinyImage } from './image/tiny-image.js';
import { createLab, type Lab, missingForLab } from './lab.js';
import { LabIsUp, labsUnder, ownerOf, sweep } from './process/ledger.js';
import { SCENARIOS, scenarioNamed } from './scenario/rack.js';
import { createFleet, directBoot } from './simulated/fleet.js';

const USAGE = `usage: lab <command>
  up [SCENARIO]              a rack that stays up until Ctrl-C or "lab down"; default bios-virtio
  down                       ends it, also what a killed one left behind
  status                     which labs there are
  run SCENARIO -- PROGRAM…   a rack for as long as PROGRAM runs inside its network namespace;
                             FERRIC_LAB names a file that describes it
  fleet --script URL         simulated machines (--count N, --address FIRST) until Ctrl-C, listed in
                             <root>/<name>/fleet.json; their boot script is at URL
  image tiny|debian          builds (or finds) an image, prints its path and SHA-256
options: --name NAME (default ferric), --root FOLDER (default .lab), --format raw|qcow2, --kernel cloud|generic
scenarios:
${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(20)} ${about}`).join('\n')}`;

/** A user's mistake: its message is enough, without a stack trace. */
class UsageError extends Error {}

async function main(argv: readonly string[]): Promise<number> {
  const split = argv.indexOf('--');
  const own = split < 0 ? argv : argv.slice(0, split);
  const program = split < 0 ? [] : argv.slice(split + 1);
  const { values, positionals } = parseArgs({
    args: [...own],
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'ferric' },
      root: { type: 'string', default: '.lab' },
      format: { type: 'string' },
      kernel: { type: 'string', default: 'cloud' },
      count: { type: 'string', default: '10' },
      script: { type: 'string' },
      address: { type: 'string', default: '127.64.0.1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, argument] = positionals;
  const { name, root } = values;
  if (values.help || command === undefined) {
    print(USAGE);
    return values.help ? 0 : 2;
  }
  switch (command) {
    case 'up': {
      const lab = await raise(name, root, argument ?? 'bios-virtio');
      report(lab);
      print('Ctrl-C takes it down.');
      await new Promise(() => setInterval(() => undefined, 2 ** 30)); // the signal handlers end this process
      return 0;
    }
    case 'run': {
      if (argument === undefined || program.length === 0)
        throw new UsageError('run needs a scenario and, after --, a program');
      await using lab = await raise(name, root, argument);
      const env = { ...process.env, FERRIC_LAB: join(lab.directory, 'lab.json') };
      const [file, ...args] = program as [string, ...string[]];
      const { code, signal } = await (await lab.start(file, args, { env, stdio: 'inherit' })).exited;
      return code ?? (signal === 'SIGINT' ? 130 : 1);
    }
    case 'down':
      return down(resolve(root, name));
    case 'status':
      status(root);
      return 0;
    case 'fleet':
      return fleet(resolve(root, name), values);
    case 'image':
      return image(join(root, 'cache'), argument, values.format, values.kernel);
    default:
      throw new UsageError(`no command "${command}"`);
  }
}

async function raise(name: string, root: string, scenario: string): Promise<Lab> {
  const { machines } = scenarioNamed(scenario);
  const missing = missingForLab();
  if (missing.length > 0)
    throw new UsageError(`the lab needs what is missing here:\n  ${missing.join('\n  ')}`);
  const lab = await createLab({ name, root, machines });
  writeDescription(lab);
  return lab;
}

function report(lab: Lab): void {
  const { namespace, address, machines } = describeLab(lab);
  print(`network namespace ${namespace}, bridge at ${address}`);
  for (const { name, macs, uuid, bmc, console } of machines) {
    print(`${name}: MAC ${macs.join(', ')}, UUID ${uuid}`);
    print(
      `  BMC ${bmc.address}:${bmc.port} (in the namespace), user ${bmc.username}, password ${bmc.password}`,
    );
    print(`  serial console in ${console}`);
  }
}

async function down(directory: string): Promise<number> {
  const owner = ownerOf(directory);
  if (owner === null) {
    print(sweep(directory) ? 'Removed what a lab had left behind.' : 'No such lab is up.');
    return 0;
  }
  process.kill(owner.pid, 'SIGTERM');
  for (let i = 0; i < 150 && isAlive(owner); i++) await sleep(100);
  if (isAlive(owner)) throw new UsageError(`process ${owner.pid} of the lab does not end`);
  print('The lab is down.');
  return 0;
}

function status(root: string): void {
  const labs = labsUnder(root);
  if (labs.length === 0) print('No lab is up.');
  for (const { name, owner } of labs) {
    if (owner === null) print(`${name}: killed; "lab down --name ${name}" removes what it left`);
    else {
      print(`${name}: up, process ${owner.pid}`);
      const directory = resolve(root, name);
      if (!existsSync(join(directory, 'lab.json'))) continue;
      for (const { name: machine, bmc } of readDescription(directory).machines)
        print(`  ${machine}: BMC ${bmc.address}:${bmc.port}`);
    }
  }
}

async function fleet(
  directory: string,
  values: { count: string; script?: string; address: string },
): Promise<number> {
  const { script, address } = values;
  const count = Number(values.count);
  if (script === undefined || !URL.canParse(script)) throw new UsageError('fleet needs --script URL');
  if (!Number.isInteger(count) || count < 1) throw new UsageError('--count takes a number from 1');
  const disks = join(directory, 'fleet');
  const made = await createFleet({
    count,
    directory: disks,
    boot: directBoot(script),
    firstAddress: address,
  });
  const path = join(directory, 'fleet.json');
  const list = made.nodes.map((node) => ({
    name: node.name,
    uuid: node.uuid,
    mac: node.mac,
    bmc: {
      address: node.address.host,
      port: node.address.port,
      username: node.users[0]!.name,
      password: node.users[0]!.password,
    },
  }));
  writeFileSync(path, `${JSON.stringify(list, null, 2)}\n`, { mode: 0o600 });
  print(`${count} simulated machines, listed in ${path}. Ctrl-C ends them.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await made.close();
  rmSync(path);
  return 0;
}

async function image(
  cache: string,
  what: string | undefined,
  format: string | undefined,
  kernel: string,
): Promise<number> {
  if (format !== undefined && format !== 'raw' && format !== 'qcow2')
    throw new UsageError('formats: raw, qcow2');
  if (kernel !== 'cloud' && kernel !== 'generic') throw new UsageError('kernels: cloud, generic');
  if (what !== 'tiny' && what !== 'debian') throw new UsageError('images: tiny, debian');
  const built =
    what === 'tiny'
      ? await tinyImage(cache, format ?? 'raw')
      : await debianImage(cache, { kernel, format: format ?? 'qcow2' });
  print(`${built.sha256}  ${built.path}`);
  return 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const expected =
    [UsageError, LabIsUp, RangeError].some((kind) => error instanceof kind) ||
    (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  const text = expected
    ? (error as Error).message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`lab: ${text}\n`);
  process.exitCode = expected ? 2 : 1;
}
