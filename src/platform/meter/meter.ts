import type { CounterName, GaugeName, HistogramName, LabelsOf } from './metric-table.js';

/** What measurements go to. */
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
/** What is read when somebody asks: a gauge, or a total that something else counts already. */
type ReadName = GaugeName | CounterName;

let meter: Meter | null = null;
const readings = new Map<ReadName, Set<Reader>>();

/** Counts. Costs nothing while nobody measures. */
export function count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by = 1): void {
  meter?.add(name, labels, by);
}

/** Puts a value into a histogram. @param value in the metric's base unit: seconds, bytes */
export function observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, value: number): void {
  meter?.observe(name, labels, value);
}

/**
 * Makes a metric known by how it is read; it is read when somebody asks.
 * @returns ends it
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

/** What a metric reads now: of all that read it, the same labels summed. */
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

/** @param target null: nothing is measured, which is how a process begins */
export function measureWith(target: Meter | null): void {
  meter = target;
}
