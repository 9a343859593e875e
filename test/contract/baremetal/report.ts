import { openLines as linesOf, type Report } from '../compare/report.js';
import type { Command } from './client.js';
import { MEANT, WITHOUT_END } from './meant.js';
import type { Execution, Finding } from './run.js';

export const openLines = (report: Report<Finding>): string[] =>
  linesOf(
    report,
    ({ line }) => line,
    ({ form }) => form,
  );

/** The page of the reference. Nothing in it changes from run to run. */
export function pageOf(
  report: Report<Finding>,
  all: readonly Execution[],
  commands: Readonly<Record<string, Command>>,
): string {
  const rows = Object.entries(commands).map(([name, { form, options }]) => {
    const executions = all.filter(({ command }) => command === name);
    const refused = executions.filter(({ good }) => !good).length;
    const used = options.filter((option) => executions.some((each) => each.options.includes(option)));
    const compared =
      form === null ? 'words' : executions.some((each) => each.form === 'json') ? 'table, JSON' : 'table';
    return `| \`${name}\` | ${executions.length} | ${refused} | ${used.length} of ${options.length} | ${compared} |`;
  });
  return `# The \`baremetal\` command

Written by \`npm run differ\`, which runs every subcommand of Debian’s python3-ironicclient, unmodified, on Ironic 21.4 as
Debian packages it and on Ferric: the same commands in the same order. Exit status, what is said of errors, and what is
printed are compared: columns and their order, and the value of each field; of what lists and shows, for the default
table and for \`-f json\`.

| | |
|---|---|
| Subcommands | ${rows.length} |
| Commands compared | ${all.length} |
| of which refused | ${all.filter(({ good }) => !good).length} |
| Open differences | ${openLines(report).length} |
| Kinds of differences that are meant | ${MEANT.length} |

## Meant

${MEANT.map(({ reason }) => `- ${reason}`).join('\n')}

Of these subcommands no command can end with 0 on both:

${Object.entries(WITHOUT_END)
  .map(([name, reason]) => `- \`${name}\`: ${reason}`)
  .join('\n')}

## Subcommands

How often each was run, how many of these runs were refused, and how many of its options were among them.
\`baremetal help COMMAND\` explains them.

| Subcommand | Runs | Refused | Options | Compared |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
