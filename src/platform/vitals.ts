import { monitorEventLoopDelay } from 'node:perf_hooks';

/** State of the process: memory now, and delay of the event loop since the last reading. */
export interface Vitals {
  rss_mib: number;
  heap_mib: number;
  /** Buffers and native memory of objects. */
  external_mib: number;
  /** ms beyond the due time; a value near 0 means an idle loop. */
  loop_delay_p50_ms: number;
  loop_delay_p99_ms: number;
  loop_delay_max_ms: number;
}

const RESOLUTION = 10;

/** @returns a function that reads the vitals and starts the next period */
export function watchVitals(): () => Vitals {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  // The histogram counts the sampling interval itself as delay.
  const late = (nanoseconds: number) => Math.max(0, round(nanoseconds / 1e6 - RESOLUTION));
  return () => {
    const { rss, heapUsed, external } = process.memoryUsage();
    const vitals = {
      rss_mib: round(rss / 2 ** 20),
      heap_mib: round(heapUsed / 2 ** 20),
      external_mib: round(external / 2 ** 20),
      loop_delay_p50_ms: late(histogram.percentile(50)),
      loop_delay_p99_ms: late(histogram.percentile(99)),
      loop_delay_max_ms: late(histogram.max),
    };
    histogram.reset();
    return vitals;
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
