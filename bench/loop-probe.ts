// Loaded into a process by `node --import`: at SIGUSR2 it appends how late the event loop ran since the last time to
// the file LOOP_PROBE, as a line of JSON. Run with the argument `idle` it measures itself: what the machine's load alone does.
import { appendFileSync } from 'node:fs';
import { createHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Milliseconds; as in the daemon's own vitals. */
const RESOLUTION = 10;

export interface LoopFigures {
  /** ms beyond the due time. */
  p50: number;
  p99: number;
  max: number;
  /** The part of p99 in which the loop itself ran: the rest it waited for a processor. */
  own: number;
  /** The part of max in which the loop itself ran. */
  ownMax: number;
  /** Share of the time in which the loop had something to do. */
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
  // How late a timer is, as far as this thread used the processor meanwhile.
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

/** Milliseconds of CPU that this thread has used. */
function threadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
