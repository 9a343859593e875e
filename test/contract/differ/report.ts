import { isMeant, MEANT } from './meant.js';
import type { Finding, Run } from './run.js';

/** What a run over all scenarios came to. */
export interface Report {
  readonly exchanges: number;
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

/** The page of the reference. Nothing in it changes from run to run. */
export function pageOf(report: Report, scenarios: number, packaged: string): string {
  const rows = MEANT.map(({ reason }) => `- ${reason}`);
  return `# Differences from Ironic

Written by \`npm run differ\`, which asks Ironic ${packaged} as Debian packages it and Ferric the same and compares status,
headers and body, field by field, at microversions 1.1 to 1.82.

| | |
|---|---|
| Scenarios | ${scenarios} |
| Exchanges compared | ${report.exchanges} |
| Open differences | ${openLines(report).length} |
| Kinds of differences that are meant | ${MEANT.length} |

## Meant

${rows.join('\n')}
`;
}
