import { MEANT } from './meant/meant.js';
import { isMeant, type Meant } from './meant/row.js';
import type { Newer } from './newer/row.js';
import type { Finding, Run } from './run.js';

/** What a run over all scenarios came to. */
export interface Report {
  readonly exchanges: number;
  /** Findings by the row that each matches first. */
  readonly meant: readonly Finding[][];
  readonly open: readonly Finding[];
  /** Reasons of rows that nothing matched. */
  readonly unused: readonly string[];
}

/** @param rows every difference that is meant */
export function reportOf(run: Run, rows: readonly Meant[] = MEANT): Report {
  const meant: Finding[][] = rows.map(() => []);
  const open: Finding[] = [];
  const used = new Set<number>();
  for (const finding of run.findings) {
    const matching = rows.flatMap((row, at) => (isMeant(row, finding) ? [at] : []));
    for (const at of matching) used.add(at);
    if (matching[0] === undefined) open.push(finding);
    else meant[matching[0]]!.push(finding);
  }
  const unused = rows.filter((_, at) => !used.has(at)).map(({ reason }) => reason);
  return { exchanges: run.exchanges, meant, open, unused };
}

/** One line for each open difference, those of several versions together. */
export function openLines(report: Report): string[] {
  const lines = new Map<string, unknown[]>();
  for (const { scenario, request, body, path, theirs, ours, version } of report.open) {
    const line = `${scenario}: ${[request, body].join(' ').trim()}: ${path}\n    theirs ${theirs}\n    ours   ${ours}`;
    lines.set(line, [...(lines.get(line) ?? []), version]);
  }
  return [...lines].map(([line, versions]) => `[${versions.join(' ')}] ${line}`);
}

interface Counts {
  readonly scenarios: number;
  readonly sweeps: number;
  readonly newer: readonly Newer[];
}

/** The page of the reference. Nothing in it changes from run to run. */
export function pageOf(report: Report, { scenarios, sweeps, newer }: Counts, packaged: string): string {
  const reasons = MEANT.map(({ reason }) => `- ${reason}`);
  const kinds = Map.groupBy(newer, ({ kind }) => kind);
  const counted = [...kinds].map(([kind, rows]) => `| ${kind} | ${rows.length} |`);
  return `# Differences from Ironic

Written by \`npm run differ\`, which asks Ironic ${packaged} as Debian packages it and Ferric the same and compares status,
headers and body, field by field, at microversions 1.1 to 1.82. Scenarios drive every resource; sweeps ask for every path
of both route tables with each method at the edges of its versions.

| | |
|---|---|
| Scenarios | ${scenarios} |
| Sweeps | ${sweeps} |
| Exchanges compared | ${report.exchanges} |
| Open differences | ${openLines(report).length} |
| Kinds of differences that are meant | ${MEANT.length} |
| Checks of what came after 1.82 | ${newer.length} |

## Meant

${reasons.join('\n')}

## After 1.82

Debian’s Ironic does not know these versions: what a client sees at 1.N and at 1.(N-1) is taken from the source of
openstack/ironic (master at 7bc6aba7, versions 1.83 to 1.115), asked of Ferric, and looked up in its OpenAPI documents.

| Kind | Checks |
|---|---|
${counted.join('\n')}
`;
}
