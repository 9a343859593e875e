import { count, observe, reading } from '../../platform/meter/meter.js';
import type { BmcQueue, FinishedTurn } from './queue.js';

/** Records a finished command; for the queue's `observe`. */
export function meterTurn({ waited, took, end }: FinishedTurn): void {
  count('bmc_commands_total', { outcome: end });
  observe('bmc_command_wait_seconds', {}, waited / 1000);
  if (end !== 'cancelled') observe('bmc_command_duration_seconds', { outcome: end }, took / 1000);
}

/** Registers the gauges of the queue's depth, read at each scrape. @returns unregisters them */
export function meterDepth(queue: Pick<BmcQueue, 'depth'>): () => void {
  const ends = [
    reading('bmc_lane_running', () => {
      const { running, waiting } = queue.depth;
      return [
        { labels: { lane: 'prompt' }, value: running },
        { labels: { lane: 'patient' }, value: waiting },
      ];
    }),
    reading('bmc_queued', () => [{ labels: {}, value: queue.depth.queued }]),
    reading('bmc_queue_oldest_seconds', () => [{ labels: {}, value: queue.depth.longestWait / 1000 }]),
  ];
  return () => {
    for (const end of ends) end();
  };
}
