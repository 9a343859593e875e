import type { Report } from '../compare/report.js';
import { openLines } from '../differ/report.js';
import type { Finding, Run } from '../differ/run.js';
import { MEANT } from './meant.js';

/** The page of the reference. Nothing in it changes from run to run. */
export function pageOf(
  report: Report<Finding>,
  { exchanges }: Run,
  scenarios: number,
  packaged: string,
): string {
  return `# Differences from Glance

Written by \`npm run differ\`, which asks glance-api ${packaged} as Debian packages it and Ferric’s own Image service the same and
compares status, headers and body, field by field.

| | |
|---|---|
| Scenarios | ${scenarios} |
| Exchanges compared | ${exchanges} |
| Open differences | ${openLines(report).length} |
| Kinds of differences that are meant | ${MEANT.length} |

Not served: tasks, metadata definitions, locations, cache administration and several stores.

## Meant

${MEANT.map(({ reason }) => `- ${reason}`).join('\n')}
`;
}
