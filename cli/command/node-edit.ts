import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { JsonObject } from '../../src/domain/json.js';
import { NodeApi, type NodeRow } from '../api/node-api.js';
import { AT_ONCE, forEachNode } from '../node/bulk.js';
import { confirm } from '../node/confirm.js';
import { printOne } from '../node/output.js';
import { selectNodes } from '../node/select.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { UsageError } from '../usage-error.js';
import { outputOption } from './node-read.js';

interface Values {
  name?: string;
  driver?: string;
  resourceClass?: string;
  driverInfo?: string[];
  property?: string[];
  set?: string[];
}

/** Options of one field, with the API's name of it. */
const FIELDS = { name: 'name', driver: 'driver', resourceClass: 'resource_class' } as const;

/** `ferric node create|set|delete|maintenance` */
export function addNodeEdits(node: Command, shell: Shell): void {
  const api = (command: Command) => new NodeApi(command.optsWithGlobals<GlobalOptions>(), shell);
  const valued = (name: string, description: string) =>
    node
      .command(name)
      .description(description)
      .option('--name <name>', 'of the node')
      .option('--driver <type>', 'hardware type, such as ipmi or redfish')
      .option('--resource-class <class>', 'what a scheduler asks for')
      .option(
        '--driver-info <key=value...>',
        'how the machine is reached, such as ipmi_address=192.0.2.7; of =@FILE the first line is the value: passwords belong there',
      )
      .option('--property <key=value...>', 'facts of the machine')
      .option('--set <field=value...>', 'any other field; a value that is JSON is read as JSON');
  valued('create', 'enrols a machine')
    .option('--mac <address...>', 'MAC addresses of its ports')
    .addOption(outputOption())
    .action(async (options: Values & { mac?: string[]; output: 'table' }, command: Command) => {
      if (options.driver === undefined) throw new UsageError('--driver is missing');
      const made = await enrol(api(command), Object.fromEntries(fieldsOf(options)), options.mac ?? []);
      printOne(shell, options.output, made);
    });
  valued('set', 'changes a node')
    .argument('<node...>', 'names or UUIDs; - reads them from standard input')
    .action(async (named: string[], options: Values, command: Command) => {
      const patch = patchOf(options);
      if (patch.length === 0) throw new UsageError('nothing to set was given');
      const nodes = await selectNodes(api(command), shell, named, undefined);
      await forEachNode(shell, nodes, AT_ONCE, async (one) => void (await api(command).edit(one, patch)));
    });
  node
    .command('delete')
    .description('forgets nodes, with their ports and history')
    .argument('<node...>', 'names or UUIDs; - reads them from standard input')
    .option('--yes', 'do not ask')
    .action(async (named: string[], { yes = false }: { yes?: boolean }, command: Command) => {
      const nodes = await selectNodes(api(command), shell, named, undefined);
      await confirm(shell, yes, 'This deletes the nodes', nodes);
      await forEachNode(shell, nodes, AT_ONCE, (one) => api(command).remove(one));
    });
  node
    .command('maintenance')
    .description(
      'takes nodes out of service, or gives them back: nothing is begun on them, and waits do not run out',
    )
    .argument('<on|off>')
    .argument('<node...>', 'names or UUIDs; - reads them from standard input')
    .option('--reason <text>', 'why, for others')
    .action(async (to: string, named: string[], { reason = '' }: { reason?: string }, command: Command) => {
      if (to !== 'on' && to !== 'off') throw new UsageError(`maintenance is on or off, not ${to}`);
      const nodes = await selectNodes(api(command), shell, named, undefined);
      await forEachNode(shell, nodes, AT_ONCE, (one) =>
        api(command).maintenance(one, to === 'on' ? reason : null),
      );
    });
}

/** A node whose ports are refused, such as an address that another node has, is not left behind. */
async function enrol(api: NodeApi, node: JsonObject, macs: readonly string[]): Promise<NodeRow> {
  const made = await api.create(node);
  try {
    for (const address of macs) await api.createPort({ node_uuid: made.uuid, address });
  } catch (error) {
    await api.remove(made.uuid);
    throw error;
  }
  return made;
}

function fieldsOf(options: Values): [string, JsonObject[string]][] {
  const simple = Object.entries(FIELDS).flatMap(([option, field]): [string, string][] => {
    const value = options[option as keyof typeof FIELDS];
    return value === undefined ? [] : [[field, value]];
  });
  const nested = [
    ['driver_info', pairsOf('--driver-info', options.driverInfo).map(fromFile)],
    ['properties', pairsOf('--property', options.property)],
  ] as const;
  const given = nested.flatMap(([field, pairs]): [string, JsonObject][] =>
    pairs.length === 0 ? [] : [[field, Object.fromEntries(pairs)]],
  );
  return [...simple, ...given, ...pairsOf('--set', options.set)];
}

function patchOf(options: Values): JsonObject[] {
  return fieldsOf(options).flatMap(([field, value]) =>
    (field === 'driver_info' || field === 'properties') && typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, one]) => ({
          op: 'add',
          path: `/${field}/${key}`,
          value: one ?? null,
        }))
      : [{ op: 'add', path: `/${field}`, value }],
  );
}

/** A value in a file is on no command line, which others can read. */
function fromFile([key, value]: [string, JsonObject[string]]): [string, JsonObject[string]] {
  if (typeof value !== 'string' || !value.startsWith('@')) return [key, value];
  return [key, readFileSync(value.slice(1), 'utf8').split('\n')[0] ?? ''];
}

function pairsOf(option: string, given: readonly string[] = []): [string, JsonObject[string]][] {
  return given.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new UsageError(`${option} is KEY=VALUE, not ${pair}`);
    return [pair.slice(0, equals), readValue(pair.slice(equals + 1))];
  });
}

/** JSON where it is JSON, else text. */
function readValue(text: string): JsonObject[string] {
  if (!/^(\{|\[|true$|false$|null$|-?\d)/.test(text)) return text;
  try {
    return JSON.parse(text) as JsonObject[string];
  } catch {
    return text; // such as an IP address or a MAC address
  }
}
