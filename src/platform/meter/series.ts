import type { Meter } from './meter.js';
import {
  type CounterName,
  type HistogramName,
  METRICS,
  type MetricDefinition,
  type MetricName,
} from './metric-table.js';

/** Maximum of label combinations of one metric; further ones are counted as `other`. */
const MOST_SERIES = 2_000;
const OTHER = 'other';
/** Totals that are read where they are counted. */
const READ: ReadonlySet<MetricName> = new Set(['log_lines_dropped_total']);

export interface CounterSeries {
  labels: readonly string[];
  value: number;
}

export interface HistogramSeries {
  labels: readonly string[];
  /** Of each bucket alone, not cumulative; the last one is beyond every bound. */
  counts: number[];
  sum: number;
}

/** Counters and histograms in memory, since the start of the process. */
export class Series implements Meter {
  readonly counters = new Map<CounterName, Map<string, CounterSeries>>();
  readonly histograms = new Map<HistogramName, Map<string, HistogramSeries>>();

  constructor(private readonly most = MOST_SERIES) {
    for (const [name, { type, labels }] of Object.entries(METRICS) as [MetricName, MetricDefinition][]) {
      // A metric without labels exists from the start: a rate over it needs its 0.
      if (labels.length > 0 || READ.has(name)) continue;
      if (type === 'counter') this.add(name as CounterName, {}, 0);
      if (type === 'histogram') this.#histogram(name as HistogramName, {});
    }
  }

  add(name: CounterName, labels: Readonly<Record<string, string>>, by: number): void {
    const all = inner(this.counters, name);
    const values = this.#admit(name, all, valuesOf(name, labels));
    const key = values.join('\0');
    const series = all.get(key);
    if (series) series.value += by;
    else all.set(key, { labels: values, value: by });
  }

  observe(name: HistogramName, labels: Readonly<Record<string, string>>, value: number): void {
    const { counts, series } = this.#histogram(name, labels);
    const { buckets } = METRICS[name];
    const at = buckets.findIndex((bound) => value <= bound);
    const slot = at < 0 ? buckets.length : at;
    counts[slot] = (counts[slot] ?? 0) + 1;
    series.sum += value;
  }

  #histogram(
    name: HistogramName,
    labels: Readonly<Record<string, string>>,
  ): { counts: number[]; series: HistogramSeries } {
    const all = inner(this.histograms, name);
    const values = this.#admit(name, all, valuesOf(name, labels));
    const key = values.join('\0');
    let series = all.get(key);
    if (!series) {
      series = {
        labels: values,
        counts: new Array<number>(METRICS[name].buckets.length + 1).fill(0),
        sum: 0,
      };
      all.set(key, series);
    }
    return { counts: series.counts, series };
  }

  /** A label with unbounded values must not grow our memory, nor that of the scraper. */
  #admit(name: MetricName, all: ReadonlyMap<string, unknown>, values: readonly string[]): readonly string[] {
    if (all.size < this.most || all.has(values.join('\0'))) return values;
    const refused = inner(this.counters, 'metrics_series_refused_total');
    const before = refused.get(name);
    if (before) before.value++;
    else refused.set(name, { labels: [name], value: 1 });
    return values.map(() => OTHER);
  }
}

function inner<Key, Value>(outer: Map<Key, Map<string, Value>>, key: Key): Map<string, Value> {
  let found = outer.get(key);
  if (!found) {
    found = new Map();
    outer.set(key, found);
  }
  return found;
}

function valuesOf(name: MetricName, labels: Readonly<Record<string, string>>): string[] {
  return METRICS[name].labels.map((label) => labels[label] ?? '');
}
