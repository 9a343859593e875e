import { setImmediate as turn } from 'node:timers/promises';
import { readNow } from './meter.js';
import { METRICS, type MetricDefinition, type MetricName, PROCESS_METRICS } from './metric-table.js';
import type { HistogramSeries, Series } from './series.js';

/** The media type of the text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats/). */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const PREFIX = 'ferric_';

/**
 * All measurements, and the current values of all gauges, as text. Yields to the event loop between two metrics.
 * @param process values of PROCESS_METRICS
 */
export async function expose(
  series: Series,
  process: Readonly<Record<keyof typeof PROCESS_METRICS, number>>,
): Promise<string> {
  let text = '';
  for (const name of Object.keys(METRICS) as MetricName[]) {
    const lines = linesOf(name, series);
    if (lines.length === 0) continue;
    text += `${head(PREFIX + name, METRICS[name])}${lines.join('\n')}\n`;
    await turn();
  }
  for (const [name, value] of Object.entries(process)) {
    const definition = PROCESS_METRICS[name as keyof typeof PROCESS_METRICS];
    text += `${head(name, definition)}${name} ${number(value)}\n`;
  }
  return text;
}

function linesOf(name: MetricName, series: Series): string[] {
  const definition: MetricDefinition = METRICS[name];
  const full = PREFIX + name;
  switch (definition.type) {
    case 'counter':
      return [
        ...Array.from(
          series.counters.get(name as never)?.values() ?? [],
          ({ labels, value }) => `${full}${labelled(definition.labels, labels)} ${number(value)}`,
        ),
        ...readLines(full, definition, name),
      ];
    case 'histogram': {
      const all: Iterable<HistogramSeries> = series.histograms.get(name as never)?.values() ?? [];
      return Array.from(all).flatMap((one) => histogramLines(full, definition, one));
    }
    case 'gauge':
      return readLines(full, definition, name);
  }
}

function readLines(full: string, { labels: names }: MetricDefinition, name: MetricName): string[] {
  return readNow(name as never).map(({ labels, value }) => {
    const values = names.map((label) => labels[label] ?? '');
    return `${full}${labelled(names, values)} ${number(value)}`;
  });
}

function histogramLines(
  name: string,
  { labels: names, buckets = [] }: MetricDefinition,
  { labels, counts, sum }: HistogramSeries,
): string[] {
  let below = 0;
  const bounds = [...buckets.map(String), '+Inf'];
  const lines = bounds.map((bound, at) => {
    below += counts[at] ?? 0;
    return `${name}_bucket${labelled([...names, 'le'], [...labels, bound])} ${below}`;
  });
  const own = labelled(names, labels);
  return [...lines, `${name}_sum${own} ${number(sum)}`, `${name}_count${own} ${below}`];
}

function head(name: string, { help, type }: MetricDefinition): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

function labelled(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  return `{${names.map((name, at) => `${name}="${quoted(values[at] ?? '')}"`).join(',')}}`;
}

function quoted(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
