import { type Command, Option } from 'commander';
import type { JsonObject } from '../../src/domain/json.js';
import { NodeApi } from '../api/node-api.js';
import { FILTER_HELP, readFilter } from '../node/filter.js';
import { FORMATS, type Format, printOne, printRows } from '../node/output.js';
import { plain, plainLine } from '../node/plain-text.js';
import { type GlobalOptions, print, type Shell } from '../shell.js';
import { textTable } from '../terminal/text-table.js';

interface Output {
  output: Format;
}

const COLUMNS = ['name', 'uuid', 'provision_state', 'power_state', 'maintenance', 'resource_class', 'fault'];

export const outputOption = () =>
  new Option('-o, --output <format>', 'form of the result').choices(FORMATS).default('table');

/** `ferric node list|show|validate|why|attempts` */
export function addNodeReads(node: Command, shell: Shell): void {
  const api = (command: Command) => new NodeApi(command.optsWithGlobals<GlobalOptions>(), shell);
  node
    .command('list')
    .description('nodes, all or those that a filter finds')
    .option('--filter <filter>', 'see below')
    .option('--columns <names>', 'fields to show, comma-separated')
    .addOption(outputOption())
    .addHelpText('after', `\n${FILTER_HELP}\n`)
    .action(async (options: Output & { filter?: string; columns?: string }, command: Command) => {
      const fits = readFilter(options.filter ?? '');
      const rows = (await api(command).list()).filter(fits);
      printRows(shell, options.output, rows, options.columns?.split(',') ?? COLUMNS);
    });
  node
    .command('show')
    .description('all that is known of a node')
    .argument('<node>', 'name or UUID')
    .addOption(outputOption())
    .action(async (name: string, options: Output, command: Command) =>
      printOne(shell, options.output, await api(command).show(name)),
    );
  node
    .command('validate')
    .description('whether each interface of a node has what it needs, and what is missing')
    .argument('<node>', 'name or UUID')
    .addOption(outputOption())
    .action(async (name: string, options: Output, command: Command) => {
      const checks = await api(command).validate(name);
      const rows = Object.entries(checks).map(([kind, check]) => ({
        interface: kind,
        ...(check as JsonObject),
      }));
      printRows(shell, options.output, rows, ['interface', 'result', 'reason']);
    });
  addHistory(node, shell, api);
}

function addHistory(node: Command, shell: Shell, api: (command: Command) => NodeApi): void {
  node
    .command('attempts')
    .description('what was tried with a node, the newest first')
    .argument('<node>', 'name or UUID')
    .option('--limit <number>', 'how many', '20')
    .addOption(outputOption())
    .action(async (name: string, options: Output & { limit: string }, command: Command) => {
      const rows = await api(command).attempts(name, Number(options.limit));
      const columns = ['created_at', 'kind', 'outcome', 'state', 'duration_seconds', 'user', 'error'];
      printRows(shell, options.output, rows, columns);
    });
  node
    .command('why')
    .description('why the last attempt failed, how far the machine came, and what to do next')
    .argument('<node>', 'name or UUID')
    .option('--attempt <uuid>', 'an earlier one, by its UUID')
    .addOption(outputOption())
    .action(async (name: string, options: Output & { attempt?: string }, command: Command) => {
      const why = await api(command).why(name, options.attempt);
      if (options.output !== 'table') return printOne(shell, options.output, { ...why });
      const { kind, outcome, step, error } = why;
      if (kind !== null)
        print(shell, plainLine(`${kind}: ${outcome ?? 'under way'}${step === null ? '' : `, in ${step}`}`));
      print(shell, plainLine(why.cause));
      if (error !== null) print(shell, `Error: ${plainLine(error)}`);
      print(shell, plainLine(why.seen));
      for (const next of why.next) print(shell, `- ${plainLine(next)}`);
    });
}

/** `ferric status`: numbers of nodes by state, and whether conductors live. */
export function addStatus(program: Command, shell: Shell): void {
  program
    .command('status')
    .description(
      'a fleet at a glance: nodes by state, and the conductors; status 1 when one of these is dead',
    )
    .addOption(outputOption())
    .action(async (options: Output, command: Command) => {
      const api = new NodeApi(command.optsWithGlobals<GlobalOptions>(), shell);
      const { total, groups } = await api.summary('provision_state,maintenance');
      const conductors = await api.conductors();
      const dead = conductors.filter(({ alive }) => !alive).map(({ hostname }) => hostname);
      if (options.output === 'table') {
        const rows = groups.map(({ provision_state, maintenance, count }) => [
          plain(String(provision_state)),
          maintenance === true ? 'in maintenance' : '',
          String(count),
        ]);
        print(shell, textTable(['STATE', '', 'NODES'], [...rows, ['all', '', String(total)]]));
        for (const { hostname, alive } of conductors)
          print(shell, `conductor ${plain(hostname)}: ${alive ? 'alive' : 'dead'}`);
      } else {
        printOne(shell, options.output, { total, groups, conductors: conductors as unknown as JsonObject[] });
      }
      if (dead.length > 0) throw new Error(`conductors without a heartbeat: ${dead.join(', ')}`);
    });
}
