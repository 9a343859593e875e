import type { Command } from './client.js';
import { isMeant, MEANT } from './meant.js';
import type { Finding, Run } from './run.js';

/** What a run over all scenarios came to. */
export interface Report {
  readonly executions: number;
  /** Findings by the row of MEANT that each matches first. */
  readonly meant: readonly Finding[][];
  readonly open: readonly Finding[];
  /** Reasons of rows that nothing matched. */
  readonly unused: readonly string[];
}

export function reportOf(run: Run): Report {
  const meant: Finding[][] = MEANT.map(() => []);
  const open: Finding[] = [];
  const used = new Set<number>();
  for (const finding of run.findings) {
    const rows = MEANT.flatMap((row, at) => (isMeant(row, finding) ? [at] : []));
    for (const at of rows) used.add(at);
    if (rows[0] === undefined) open.push(finding);
    else meant[rows[0]]!.push(finding);
  }
  const unused = MEANT.filter((_, at) => !used.has(at)).map(({ reason }) => reason);
  return { executions: run.executions.length, meant, open, unused };
}

/** One line for each open difference, those of both forms of output together. */
export function openLines(report: Report): string[] {
  const lines = new Map<string, string[]>();
  for (const { line, form, path, theirs, ours } of report.open) {
    const text = `${line}: ${path}\n    theirs ${theirs}\n    ours   ${ours}`;
    lines.set(text, [...(lines.get(text) ?? []), form]);
  }
  return [...lines].map(([text, forms]) => `[${forms.join(' ')}] ${text}`);
}

/** The page of the reference. Nothing in it changes from run to run. */
export function pageOf(report: Report, run: Run, commands: Readonly<Record<string, Command>>): string {
  const rows = Object.entries(commands).map(([name, { form, options }]) => {
    const executions = run.executions.filter(({ command }) => command === name);
    const refused = executions.filter(({ status }) => status !== 0).length;
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
| Commands compared | ${report.executions} |
| of which refused by both | ${run.executions.filter(({ status }) => status !== 0).length} |
| Open differences | ${openLines(report).length} |
| Kinds of differences that are meant | ${MEANT.length} |

## Meant

${MEANT.map(({ reason }) => `- ${reason}`).join('\n')}

## Subcommands

How often each was run, how many of these runs were refused, and how many of its options were among them.
\`baremetal help COMMAND\` explains them.

| Subcommand | Runs | Refused | Options | Compared |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
