import type { CounterName, GaugeName, HistogramName, LabelsOf } from './metric-table.js';

/** Receives measurements. */
export interface Meter {
  add(name: CounterName, labels: Readonly<Record<string, string>>, by: number): void;
  observe(name: HistogramName, labels: Readonly<Record<string, string>>, value: number): void;
}

/** One value with its labels. */
export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
}
type Reader = () => readonly Sample[];
/** Metrics that are read at each scrape: gauges, and totals that something else counts already. */
type ReadName = GaugeName | CounterName;

let meter: Meter | null = null;
const readings = new Map<ReadName, Set<Reader>>();

/** Increments a counter. Costs nothing while no meter is set. */
export function count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by = 1): void {
  meter?.add(name, labels, by);
}

/** Adds a value to a histogram. @param value in the metric's base unit: seconds, bytes */
export function observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, value: number): void {
  meter?.observe(name, labels, value);
}

/**
 * Registers a reader of a metric, called at each scrape.
 * @returns unregisters it
 */
export function reading<Name extends ReadName>(
  name: Name,
  read: () => readonly { labels: LabelsOf<Name>; value: number }[],
): () => void {
  const readers = readings.get(name) ?? new Set();
  readers.add(read);
  readings.set(name, readers);
  return () => void readers.delete(read);
}

/** Current samples of a metric: of all its readers, equal labels summed. */
export function readNow(name: ReadName): Sample[] {
  const samples = new Map<string, Sample>();
  for (const read of readings.get(name) ?? []) {
    for (const { labels, value } of read()) {
      const key = JSON.stringify(labels);
      samples.set(key, { labels, value: (samples.get(key)?.value ?? 0) + value });
    }
  }
  return [...samples.values()];
}

/** Whether measurements go anywhere: work that only serves them is left out otherwise. */
export function isMeasuring(): boolean {
  return meter !== null;
}

/** @param target null: nothing is measured, which is the initial state */
export function measureWith(target: Meter | null): void {
  meter = target;
}
