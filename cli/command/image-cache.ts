import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { FerricError } from '../../src/domain/errors.js';
import { ApiClient } from '../api/api-client.js';
import { login } from '../api/login.js';
import { type GlobalOptions, print, type Shell } from '../shell.js';
import { sizeText } from '../terminal/format.js';
import { textTable } from '../terminal/text-table.js';

// Response of GET /v1/image_cache; see docs/reference/api.md.
interface CacheReport {
  images: {
    id: string;
    href: string;
    converted: boolean;
    size: number;
    fetched_at: string | null;
    used_at: string;
    last_modified: string | null;
    etag: string | null;
    in_use: boolean;
    pinned_at: string | null;
    hits: number;
    bytes_saved: number;
    eviction_order: number | null;
    waiting: string[];
  }[];
  prefetches: Prefetch[];
  transfers: { id: string; href: string; waiting: string[]; bytes: number; total: number }[];
  size: number;
  max_size: number;
  bytes_saved: number;
}

interface Prefetch {
  id: string;
  href: string;
  state: string;
  error: string | null;
  bytes: number | null;
  total: number | null;
}

const PATH = '/v1/image_cache';
/** Poll interval of a prefetch, ms. */
const PACE = 500;

/** `ferric image cache list|prefetch|pin|unpin|evict` */
export function addImageCache(image: Command, shell: Shell): void {
  const cache = image
    .command('cache')
    .description('the images that the daemon keeps at hand for deployments');
  const client = async (command: Command) =>
    new ApiClient(await login(command.optsWithGlobals<GlobalOptions>(), shell), shell);
  cache
    .command('list')
    .description('what is there: from where, how old, how fresh, who waits, what would go next')
    .option('--json', 'as the daemon tells it')
    .action(async (options: { json?: boolean }, command: Command) => {
      const report = await (await client(command)).json<CacheReport>('GET', PATH);
      print(shell, options.json ? JSON.stringify(report, null, 2) : asText(report));
    });
  cache
    .command('prefetch')
    .description('has an image fetched before it is wanted; the daemon goes on with it after a restart, too')
    .argument('<href>', 'URL, or UUID of the Image service')
    .option('--checksum <value>', 'hexadecimal digest, algorithm:digest, or URL of a file of sums')
    .option('--opaque', 'a kernel or ramdisk: its format is not inspected')
    .option('--wait', 'until it is there, with progress')
    .action(
      async (
        href: string,
        options: { checksum?: string; opaque?: boolean; wait?: boolean },
        command: Command,
      ) => {
        const api = await client(command);
        const body = { href, checksum: options.checksum ?? null, opaque: options.opaque ?? false };
        const asked = await api.json<Prefetch>('POST', `${PATH}/prefetches`, body);
        if (options.wait) await waitFor(api, asked.id, shell, command.optsWithGlobals<GlobalOptions>().quiet);
        print(shell, asked.id);
      },
    );
  const change = (name: string, method: 'POST' | 'DELETE', below: string, description: string) =>
    cache
      .command(name)
      .description(description)
      .argument('<id>', 'as `list` shows it')
      .action(async (id: string, _options: unknown, command: Command) => {
        await (await client(command)).json(method, `${PATH}/images/${encodeURIComponent(id)}${below}`);
      });
  change('pin', 'POST', '/pin', 'keeps an image, whatever its age and however little room there is');
  change('unpin', 'DELETE', '/pin', 'lets it go again');
  change('evict', 'DELETE', '', 'removes an image; refused while it is in use, waited for or pinned');
}

async function waitFor(api: ApiClient, id: string, shell: Shell, quiet = false): Promise<void> {
  const live = shell.stderr.isTTY === true && !quiet;
  for (;;) {
    const { prefetches } = await api.json<CacheReport>('GET', PATH);
    const one = prefetches.find((prefetch) => prefetch.id === id);
    const draw = one?.total ? `${sizeText(one.bytes ?? 0)} of ${sizeText(one.total)}` : (one?.state ?? '');
    if (live) shell.stderr.write(`\r\x1b[K${draw}`);
    if (one?.state !== 'waiting' && one?.state !== 'fetching') {
      if (live) shell.stderr.write('\n');
      if (one?.state === 'done') return;
      throw new FerricError(
        'image-unavailable',
        `${one?.href ?? id}: ${one?.error ?? 'the daemon knows no such prefetch'}`,
      );
    }
    await sleep(PACE, undefined, { signal: shell.signal });
  }
}

function asText(report: CacheReport): string {
  const age = (time: string | null) => (time === null ? '' : time.slice(0, 19).replace('T', ' '));
  const rows = report.images.map((image) => [
    image.id + (image.converted ? ' (raw)' : ''),
    sizeText(image.size),
    age(image.fetched_at),
    age(image.used_at),
    image.etag ?? age(image.last_modified),
    `${image.hits} (${sizeText(image.bytes_saved)})`,
    [
      image.pinned_at ? 'pinned' : '',
      image.in_use ? 'in use' : '',
      image.eviction_order ? `goes ${image.eviction_order}.` : '',
    ]
      .filter((word) => word !== '')
      .join(', '),
    image.waiting.join(', '),
    image.href,
  ]);
  const waiting = report.transfers.map(
    ({ href, waiting: who, bytes, total }) =>
      `on its way: ${href}, ${sizeText(bytes)} of ${sizeText(total)}, for ${who.join(', ')}`,
  );
  const ahead = report.prefetches
    .filter(({ state }) => state !== 'done')
    .map(
      ({ id, href, state, error }) =>
        `prefetch ${id}: ${state}, ${href}${error === null ? '' : `: ${error}`}`,
    );
  return [
    textTable(
      ['ID', 'Size', 'Fetched', 'Used', 'Fresh by', 'Hits (saved)', 'State', 'Waiting', 'From'],
      rows,
    ),
    ...waiting,
    ...ahead,
    `${sizeText(report.size)} of ${sizeText(report.max_size)}; ${sizeText(report.bytes_saved)} need not be fetched`,
  ].join('\n');
}
