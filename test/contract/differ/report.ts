import { openLines as linesOf, type Report } from '../compare/report.js';
import { MEANT } from './meant/meant.js';
import type { Newer } from './newer/row.js';
import type { Finding } from './run.js';

export const openLines = (report: Report<Finding>): string[] =>
  linesOf(
    report,
    ({ scenario, request, body }) => `${scenario}: ${[request, body].join(' ').trim()}`,
    ({ version }) => String(version),
  );

interface Counts {
  readonly exchanges: number;
  readonly scenarios: number;
  readonly sweeps: number;
  readonly newer: readonly Newer[];
}

/** The page of the reference. Nothing in it changes from run to run. */
export function pageOf(
  report: Report<Finding>,
  { exchanges, scenarios, sweeps, newer }: Counts,
  packaged: string,
): string {
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
| Exchanges compared | ${exchanges} |
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
