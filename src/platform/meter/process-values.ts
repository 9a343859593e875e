import { readdirSync } from 'node:fs';
import type { PROCESS_METRICS } from './metric-table.js';

/** Current values of this process; without /proc no descriptors are counted. */
export function processValues(): Record<keyof typeof PROCESS_METRICS, number> {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    process_cpu_seconds_total: (user + system) / 1e6,
    process_start_time_seconds: Math.round(performance.timeOrigin) / 1000,
    process_resident_memory_bytes: rss,
    process_open_fds: openDescriptors(),
    nodejs_heap_size_used_bytes: heapUsed,
    nodejs_external_memory_bytes: external,
  };
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return Number.NaN;
  }
}
