import type { INestApplicationContext } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Health } from '../api/health.js';
import { MetricsServer } from '../api/metrics/metrics-server.js';
import { Readiness } from '../api/metrics/readiness.js';
import { startOperationMetrics } from '../conductor/execution/operation-meter.js';
import { conductorHost } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import { ferricVersion } from '../config/version.js';
import { isDatabaseAway } from '../domain/errors.js';
import { ImageService } from '../image/image-service.js';
import { ConductorRecordRepository } from '../persistence/conductor-record/conductor-record.repository.js';
import { type FleetCounts, FleetCountsRepository } from '../persistence/fleet/fleet-counts.repository.js';
import { contained, faultCounts } from '../platform/boundary.js';
import type { HeldPorts } from '../platform/held-ports.js';
import { standardOutput } from '../platform/log-output.js';
import type { Logger } from '../platform/logger.js';
import { expose } from '../platform/meter/exposition.js';
import { measureWith, reading } from '../platform/meter/meter.js';
import { processValues } from '../platform/meter/process-values.js';
import { Series } from '../platform/meter/series.js';
import { watchVitals } from '../platform/vitals.js';

/** ms for which the counts of the fleet are cached: each count reads every node. */
const COUNTS_LAST = 5_000;
/** ms that a scrape waits for the counts. */
const COUNTS_LIMIT = 3_000;

export interface Observation {
  readiness: Readiness;
  stop(): Promise<void>;
}

/** Metrics, liveness and readiness, on a separate listener. Nothing is measured while that is off. */
export async function startObservation(
  app: INestApplicationContext,
  config: Config,
  log: Logger,
  ports: HeldPorts,
): Promise<Observation> {
  const readiness = new Readiness();
  if (config.metrics.listen === null) return { readiness, stop: async () => {} };
  const series = new Series();
  measureWith(series);
  startOperationMetrics();
  const source = app.get(DataSource);
  const fleet = new FleetCountsRepository(source);
  const counts = new Cached(
    () => fleet.counts(),
    (error) => {
      if (!isDatabaseAway(error)) log.error({ error }, 'metrics: the fleet could not be counted');
    },
  );
  const images = app.get(ImageService);
  const cache = new Cached(
    () => images.cacheUse(),
    (error) => {
      log.error({ error }, 'metrics: the image cache could not be read');
    },
  );
  const ends = [
    ...readProcess(),
    ...readPool(source),
    ...readFleet(counts),
    ...readImages(cache),
    ...readReadiness(readiness),
  ];
  watch(readiness, app, config);
  const server = new MetricsServer({
    settings: config.metrics,
    expose: async () => {
      await Promise.all([counts.refresh(), cache.refresh(), readiness.look()]);
      return expose(series, processValues());
    },
    readiness,
    log: log.child({ listener: 'metrics' }),
  });
  await server.start(ports);
  log.info(`metrics: /metrics, /livez and /readyz at ${config.metrics.listen}:${server.port}`);
  return {
    readiness,
    async stop() {
      await server.stop();
      measureWith(null);
      for (const end of ends) end();
    },
  };
}

function watch(readiness: Readiness, app: INestApplicationContext, config: Config): void {
  const conductors = app.get(ConductorRecordRepository);
  const health = new Health(conductors, config.data_dir);
  readiness.watch('database', async () => (await health.reasons()).join(' ') || null);
  readiness.watch('conductor', async () => {
    const record = await conductors.find(conductorHost(config), config.conductor.heartbeat_timeout);
    return record?.alive ? null : 'its record was not renewed in time';
  });
}

/** Counts that are costly to take: cached for a few seconds, and left out while they cannot be taken in time. */
class Cached<Counts> {
  #last: { at: number; counts: Counts } | null = null;
  #running: Promise<void> | null = null;

  constructor(
    private readonly take: () => Promise<Counts>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** The latest counts; null when they could not be taken in time. */
  get now(): Counts | null {
    return this.#last?.counts ?? null;
  }

  async refresh(): Promise<void> {
    if (this.#last && performance.now() - this.#last.at < COUNTS_LAST) return;
    this.#running ??= this.#read().finally(() => {
      this.#running = null;
    });
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(
      contained(
        'metrics: counts that are late',
        () => resolve('late'),
        () => resolve('late'),
      ),
      COUNTS_LIMIT,
    );
    if ((await Promise.race([this.#running, late])) === 'late') this.#last = null;
    clearTimeout(timer);
  }

  async #read(): Promise<void> {
    try {
      this.#last = { at: performance.now(), counts: await this.take() };
    } catch (error) {
      this.#last = null;
      this.failed(error);
    }
  }
}

function readImages(cache: Cached<{ bytes: number; files: number }>): (() => void)[] {
  const of = (pick: 'bytes' | 'files') => () => (cache.now ? [{ labels: {}, value: cache.now[pick] }] : []);
  return [reading('image_cache_bytes', of('bytes')), reading('image_cache_files', of('files'))];
}

function readFleet(counts: Cached<FleetCounts>): (() => void)[] {
  const of =
    <Row, Value>(rows: (now: FleetCounts) => readonly Row[], shape: (row: Row) => Value) =>
    (): Value[] =>
      counts.now ? rows(counts.now).map(shape) : [];
  return [
    reading('db_up', () => [{ labels: {}, value: counts.now ? 1 : 0 }]),
    reading(
      'nodes',
      of(
        (now) => now.nodes,
        ({ provision_state, maintenance, count }) => ({
          labels: { provision_state, maintenance: String(maintenance) },
          value: count,
        }),
      ),
    ),
    reading(
      'nodes_power',
      of(
        (now) => now.power,
        ({ power_state, count }) => ({ labels: { power_state }, value: count }),
      ),
    ),
    reading(
      'nodes_fault',
      of(
        (now) => now.faults,
        ({ fault, count }) => ({ labels: { fault }, value: count }),
      ),
    ),
    reading(
      'operations_open',
      of(
        (now) => now.operations,
        ({ kind, state, count }) => ({ labels: { kind, state }, value: count }),
      ),
    ),
    reading(
      'operation_oldest_age_seconds',
      of(
        (now) => now.operations,
        ({ kind, state, age }) => ({ labels: { kind, state }, value: age }),
      ),
    ),
    reading(
      'dhcp_leases',
      of(
        (now) => now.leases,
        ({ state, count }) => ({ labels: { state }, value: count }),
      ),
    ),
    reading(
      'conductor_last_heartbeat_timestamp_seconds',
      of(
        (now) => now.conductors,
        ({ hostname, heartbeat }) => ({ labels: { conductor: hostname }, value: heartbeat }),
      ),
    ),
  ];
}

/** The pool of node-postgres, as TypeORM keeps it (typeorm/driver/postgres/PostgresDriver). */
interface Pool {
  totalCount: number;
  idleCount: number;
  waitingCount: number;
}

function readPool(source: DataSource): (() => void)[] {
  const { master } = source.driver as unknown as { master: Pool };
  return [
    reading('db_pool_size', () => [{ labels: {}, value: master.totalCount }]),
    reading('db_pool_idle', () => [{ labels: {}, value: master.idleCount }]),
    reading('db_pool_waiting', () => [{ labels: {}, value: master.waitingCount }]),
  ];
}

function readReadiness(readiness: Readiness): (() => void)[] {
  const read = () =>
    readiness.last.map(({ name, trouble }) => ({
      labels: { component: name },
      value: trouble === null ? 1 : 0,
    }));
  return [reading('ready', read)];
}

function readProcess(): (() => void)[] {
  const vitals = watchVitals();
  const labels = { version: ferricVersion(), node: process.version };
  return [
    reading('build_info', () => [{ labels, value: 1 }]),
    reading('handler_faults_total', () =>
      Object.entries(faultCounts()).map(([handler, value]) => ({ labels: { handler }, value })),
    ),
    reading('log_lines_dropped_total', () => [{ labels: {}, value: standardOutput().dropped }]),
    reading('eventloop_lag_seconds', () => {
      const { loop_delay_p50_ms, loop_delay_p99_ms, loop_delay_max_ms } = vitals();
      return [
        { labels: { statistic: 'p50' }, value: loop_delay_p50_ms / 1000 },
        { labels: { statistic: 'p99' }, value: loop_delay_p99_ms / 1000 },
        { labels: { statistic: 'max' }, value: loop_delay_max_ms / 1000 },
      ];
    }),
  ];
}
