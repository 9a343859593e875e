import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { measureWith } from '../../../src/platform/meter/meter.js';
import type { CounterName } from '../../../src/platform/meter/metric-table.js';
import { Series } from '../../../src/platform/meter/series.js';
import { type ImageServer, startImageServer } from '../../support/image-server.js';
import { type ImageBed, imageBed, noise } from '../../support/image-service.js';

const SIZE = 2 << 20;
const DATED = 'Sun, 06 Nov 1994 08:49:37 GMT';
let server: ImageServer;
let bed: ImageBed;
let series: Series;

beforeEach(async () => {
  series = new Series();
  measureWith(series);
  server = await startImageServer();
  for (const [seed, name] of ['a', 'b', 'c'].entries())
    server.images.set(`/${name}`, { body: noise(SIZE, seed + 1), lastModified: DATED });
  bed = await imageBed({ cache_size_mib: 3 });
});
afterEach(async () => {
  measureWith(null);
  await bed.close();
  await server.close();
});

const fetch = (name: string) => bed.service.fetchTo(`${server.url}/${name}`, bed.target());
/** Values of a counter by its labels. */
const counted = (name: CounterName) =>
  Object.fromEntries(
    [...(series.counters.get(name)?.values() ?? [])].map(({ labels, value }) => [labels.join(), value]),
  );
/** How often a transfer ended, by outcome. */
const transfers = () =>
  Object.fromEntries(
    [...series.histograms.get('image_download_duration_seconds')!.values()].map(({ labels, counts }) => [
      labels.join(),
      counts.reduce((sum, one) => sum + one, 0),
    ]),
  );

it('counts the first fetch as a miss with its bytes, and a later one as a hit', async () => {
  expect(await bed.service.cacheUse()).toEqual({ bytes: 0, files: 0 });
  await fetch('a');
  expect([counted('image_cache_misses_total'), counted('image_cache_hits_total')]).toEqual([
    { '': 1 },
    { '': 0 },
  ]);
  expect(counted('image_download_bytes_total')).toEqual({ '': SIZE });
  await Promise.all([fetch('a'), fetch('a')]);
  expect([counted('image_cache_misses_total'), counted('image_cache_hits_total')]).toEqual([
    { '': 1 },
    { '': 2 },
  ]);
  expect(counted('image_download_bytes_total')).toEqual({ '': SIZE });
  expect(transfers()).toEqual({ succeeded: 1 });
  const { bytes, files } = await bed.service.cacheUse();
  expect([bytes >= SIZE, files]).toEqual([true, 1]);
});

it('counts a transfer that fails by its code, and neither a hit nor a miss', async () => {
  // The head is answered, the body is cut each time.
  const cut = { body: noise(SIZE), lastModified: DATED };
  server.images.set('/cut', {
    ...cut,
    fault: ({ method }, response) => {
      if (method === 'HEAD') return false;
      response.destroy();
      return true;
    },
  });
  await expect(fetch('cut')).rejects.toMatchObject({ code: 'image-unavailable' });
  expect([counted('image_cache_misses_total'), counted('image_cache_hits_total')]).toEqual([
    { '': 0 },
    { '': 0 },
  ]);
  expect(counted('image_download_bytes_total')).toEqual({ '': 0 });
  expect(transfers()).toEqual({ 'image-unavailable': 1 });
});

it('counts what leaves the cache by its reason', async () => {
  const first = await fetch('a');
  await rm(first.path);
  await rm((await fetch('b')).path); // 4 MiB of 3: the older one leaves
  expect(counted('image_cache_evictions_total')).toEqual({ size: 1 });
  const [left] = (await bed.service.cacheAdmin.report()).images;
  await bed.service.cacheAdmin.evict(left!.id);
  expect(counted('image_cache_evictions_total')).toEqual({ size: 1, request: 1 });
  expect(await bed.service.cacheUse()).toEqual({ bytes: 0, files: 0 });
});
