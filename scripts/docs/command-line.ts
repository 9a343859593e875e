import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { EXIT_STATUSES } from '../../cli/exit-status.js';
import { createProgram, GROUP_NAMES } from '../../cli/program.js';
import { GENERATED, type Page, table } from './page.js';

const nowhere = new PassThrough();
const signal = new AbortController().signal;
const shell = { stdout: nowhere, stderr: nowhere, environment: {}, signal, retryFor: 0 };
const program = await createProgram(shell, GROUP_NAMES);

/** docs/reference/command-line.md: the help of every command, and the table of exit statuses. */
export const commandLine: Page = {
  path: 'docs/reference/command-line.md',
  render() {
    return `# Command line

${GENERATED}

From a clone, after \`make build\`: \`./ferric COMMAND\` (or \`npx ferric\`). Results go to standard output, progress and
errors to standard error. Login and endpoint are those of the OpenStack clients: \`OS_ENDPOINT\`, \`OS_AUTH_TYPE\`
(\`none\`, \`http_basic\`, \`token\`, \`password\`) and what belongs to it.

${commandsBelow(program, 'ferric').join('\n\n')}

## Exit status

${table(
  ['Status', 'Meaning'],
  Object.entries(EXIT_STATUSES).map(([status, meaning]) => [status, meaning]),
)}
`;
  },
};

function commandsBelow(command: Command, name: string): string[] {
  const own = command.commands.filter((sub) => sub.name() !== 'help');
  if (own.length > 0) return own.flatMap((sub) => commandsBelow(sub, `${name} ${sub.name()}`));
  command.configureHelp({ helpWidth: 110, showGlobalOptions: false });
  return [`## ${name}\n\n\`\`\`\n${command.helpInformation().trimEnd()}\n\`\`\``];
}
