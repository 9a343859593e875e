import { QUIRKS } from '../../src/protocol/redfish/quirk-table.js';
import { GENERATED, type Page, table } from './page.js';

const BY = {
  rule: 'with every BMC',
  row: 'with these machines',
  refused: 'refused',
  open: 'not yet',
} as const;

/** docs/reference/redfish-quirks.md, from the driver's quirk table. */
export const redfishQuirks: Page = {
  path: 'docs/reference/redfish-quirks.md',
  render: () => `# Quirks of Redfish services

${GENERATED}

What machines were seen to do otherwise than the specification says, and what Ferric does about it. What it does "with every BMC"
asks for no maker; what it does "with these machines" follows from what the service says of itself.

${table(
  ['Machines', 'What is seen', 'What Ferric does', 'When', 'Source'],
  QUIRKS.map(({ machines, symptom, client, by, source }) => [machines, symptom, client, BY[by], source]),
)}
`,
};
