// Commits of events by 16 writers, beside the same with a notification in the transaction, as it was before, and
// without any; and what a subscriber receives whose connection is cut. After `npm run build`: node
// dist/bench/journal-bench.js [seconds]
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { openDatabase } from '../src/database/data-source.js';
import { startEmbeddedServer } from '../src/database/embedded-server.js';
import { EventRepository } from '../src/persistence/event/event.repository.js';
import { EventStream } from '../src/persistence/event/event-stream.js';
import { ENTITIES } from '../src/persistence/resources.js';
import { createLogger } from '../src/platform/logger.js';
import { NOTE } from '../test/support/note.js';
import { interruptible } from './interruptible.js';
import { median } from './median.js';

const SECONDS = Number(process.argv[2] ?? 4);
const WRITERS = 16;
const ROUNDS = 3;
/** ms between two cuts of the subscriber's connection. */
const CUT_EVERY = 500;

type Write = (text: string) => Promise<unknown>;

/** @returns the texts that were committed, and commits a second */
async function load(write: Write, signal: AbortSignal): Promise<{ texts: string[]; rate: number }> {
  const texts: string[] = [];
  const begun = performance.now();
  const end = begun + SECONDS * 1000;
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      while (performance.now() < end && !signal.aborted) {
        const text = randomUUID();
        await write(text);
        texts.push(text);
      }
    }),
  );
  return { texts, rate: (texts.length / (performance.now() - begun)) * 1000 };
}

/** Commits while a subscriber listens whose connection is cut, and counts what it has not received in the end. */
async function followed(source: DataSource, events: EventRepository, write: Write, signal: AbortSignal) {
  const stream = new EventStream(source, events, () => undefined);
  await stream.start();
  await stream.awake();
  const received = new Set<string>();
  const push = ({ event }: { event: string }) => void received.add(event);
  stream.subscribe({ push, ready: () => Promise.resolve(), end: () => undefined }, null);
  let cuts = 0;
  const cut = async () => {
    const [row] = await source.query<{ cut: number }[]>(
      `select count(pg_terminate_backend(pid))::int as cut from pg_stat_activity
        where application_name = 'ferric-events'`,
    );
    cuts += row!.cut;
  };
  const cutting = new AbortController();
  const cutter = (async () => {
    while (!cutting.signal.aborted) {
      await cut();
      await sleep(CUT_EVERY);
    }
  })();
  const { texts, rate } = await load(write, signal);
  cutting.abort();
  await cutter;
  await sleep(3000);
  await stream.stop();
  return { committed: texts.length, rate, missed: texts.filter((text) => !received.has(text)).length, cuts };
}

async function bench(signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  parts.defer(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  const log = createLogger('error');
  const server = await startEmbeddedServer(directory, log);
  parts.defer(() => server.stop());
  const source = await openDatabase({
    connection: server.connection,
    entities: ENTITIES,
    poolSize: WRITERS + 2,
    log,
  });
  parts.defer(() => source.destroy());
  const events = new EventRepository(source);
  const row = (event: string) => ({ node_uuid: randomUUID(), ...NOTE, event });
  const insert = `insert into event (uuid, node_uuid, severity, event_type, event)
                  values (gen_random_uuid(), gen_random_uuid(), 'INFO', 'test', $1) returning *`;
  const ways: [string, Write][] = [
    ['notified after the commit', (text) => events.add(row(text), source)],
    [
      'notified in the transaction',
      (text) => source.query(`${insert}, pg_notify('bench', id::text)`, [text]),
    ],
    ['not notified', (text) => source.query(insert, [text])],
  ];
  console.log(
    `${WRITERS} writers, ${SECONDS} s each, median of ${ROUNDS}; load ${loadavg()[0]!.toFixed(1)}\n`,
  );
  const rates = new Map<string, number[]>(ways.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, write] of round % 2 === 0 ? ways : ways.toReversed()) {
      if (signal.aborted) return;
      const { rate } = await load(write, signal);
      rates.get(name)!.push(rate);
    }
  }
  for (const [name, all] of rates)
    console.log(`${name.padEnd(28)} ${median(all).toFixed(0).padStart(6)} commits/s`);
  const { committed, rate, missed, cuts } = await followed(source, events, ways[0]![1], signal);
  console.log(
    `\nwith a subscriber whose connection was cut ${cuts} times: ${rate.toFixed(0)} commits/s, ` +
      `${missed} of ${committed} events missed`,
  );
}

await interruptible(bench);
