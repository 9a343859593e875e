// Loaded into a process by `node --import`. Upon SIGUSR2 it appends the event loop's delays since the last time to the
// file LOOP_PROBE, as a line of JSON. With the argument `idle` it measures itself: the load of the machine.
import { appendFileSync } from 'node:fs';
import { createHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Milliseconds; as in the daemon's own metrics. */
const RESOLUTION = 10;

export interface LoopFigures {
  /** Delay beyond the due time, ms. */
  p50: number;
  p99: number;
  max: number;
  /** Part of p99 in which the thread ran; for the rest it waited for a processor. */
  own: number;
  /** Part of max in which the thread ran. */
  ownMax: number;
  /** Share of the time in which the loop was active. */
  busy: number;
  /** Bytes. */
  heapUsed: number;
  heapTotal: number;
  external: number;
}

const file = process.env['LOOP_PROBE'];
if (isMainThread && file) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  let before = performance.eventLoopUtilization();
  // Delay of a timer, limited to the CPU time that this thread has used meanwhile.
  const own = createHistogram();
  let [tick, used] = [performance.now(), threadCpu()];
  setInterval(() => {
    const [now, cpu] = [performance.now(), threadCpu()];
    own.record(Math.max(1, Math.round(Math.min(now - tick - RESOLUTION, cpu - used) * 1e6)));
    [tick, used] = [now, cpu];
  }, RESOLUTION).unref();
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION);
  process.on('SIGUSR2', () => {
    const now = performance.eventLoopUtilization();
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    const figures: LoopFigures = {
      p50: late(histogram.percentile(50)),
      p99: late(histogram.percentile(99)),
      max: late(histogram.max),
      own: own.percentile(99) / 1e6,
      ownMax: own.max / 1e6,
      busy: performance.eventLoopUtilization(now, before).utilization,
      heapUsed,
      heapTotal,
      external,
    };
    histogram.reset();
    own.reset();
    before = now;
    appendFileSync(file, `${JSON.stringify(figures)}\n`);
  });
  if (process.argv.includes('idle')) setInterval(() => undefined, 60_000);
}

/** CPU time of this thread, ms. */
function threadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
