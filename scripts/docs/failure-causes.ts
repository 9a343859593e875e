import { CAUSES } from '../../src/domain/diagnosis/causes.js';
import { GENERATED, type Page, table } from './page.js';

/** docs/reference/failure-causes.md, from the table of causes. */
export const failureCauses: Page = {
  path: 'docs/reference/failure-causes.md',
  render: () => `# Causes of failures

${GENERATED}

\`GET /v1/nodes/{node}/why\` names one of these for the last attempt that failed, with what was seen of the machine on the
network in that attempt, the step, and the error. The first row that fits is told. After a timeout the row is chosen by
how far the machine came: DHCP, boot loader, kernel, ramdisk, the agent's lookup, its heartbeat.

${table(
  ['`cause_id`', 'Cause', 'What to do'],
  CAUSES.map(({ id, cause, next }) => [`\`${id}\``, cause, next.join(' ')]),
)}
`,
};
