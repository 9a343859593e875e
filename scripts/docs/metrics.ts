import { METRICS, type MetricDefinition, PROCESS_METRICS } from '../../src/platform/meter/metric-table.js';
import { GENERATED, type Page, table } from './page.js';

/** docs/reference/metrics.md, from the table that the listener exposes. */
export const metrics: Page = {
  path: 'docs/reference/metrics.md',
  render: () => `# Metrics

${GENERATED}

[Metrics, liveness and readiness](../how-to/metrics.md) says how they are scraped. The type of a histogram is followed
by the upper bounds of its buckets. A counter without labels is 0 from the start; one with labels appears with its first
event, \`ferric_operations_total\` excepted.

${table(
  ['Metric', 'Type', 'Labels', 'Meaning'],
  Object.entries<MetricDefinition>(METRICS).map(([name, definition]) => row(`ferric_${name}`, definition)),
)}

## The process

${table(
  ['Metric', 'Type', 'Labels', 'Meaning'],
  Object.entries<MetricDefinition>(PROCESS_METRICS).map(([name, definition]) => row(name, definition)),
)}
`,
};

function row(name: string, { type, labels, help, buckets }: MetricDefinition): string[] {
  const bounds = buckets ? ` (${buckets.join(' ')})` : '';
  return [`\`${name}\``, type + bounds, labels.map((label) => `\`${label}\``).join(' '), help];
}
