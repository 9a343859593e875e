import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { GENERATED, type Page, table } from './page.js';

interface Rule {
  name: string;
  comment?: string;
  from: { path?: string };
  to: { pathNot?: string | string[] };
}

/** One sentence for each room; a room without one stops the generation. */
const PURPOSE: Record<string, string> = {
  'src/domain': 'Pure rules: the provision machine, steps, power, images, root device hints, errors',
  'src/protocol':
    'Pure codecs: DHCP, TFTP, IPMI, Redfish, the agent protocol, iPXE scripts, config drives, ISO 9660, image headers',
  'src/config': 'The schema of the configuration and its reader; the only place that reads the environment',
  'src/platform': 'Doors to the operating system: processes, HTTP client, sockets, files, log',
  'src/database': 'PostgreSQL: embedded server, connection, transactions, migrations, sealed secrets',
  'src/persistence': 'What is remembered: one folder a resource, with its entity and its named queries',
  'src/image': 'Images: download, checksum, cache, inspection, conversion',
  'src/image-library':
    'The Image service inside: records and bytes together, uploads, imports, what is swept',
  'src/driver': 'Hardware types, the interfaces they are composed of, and the registry',
  'src/conductor': 'Verbs, reservations, the operation runner, workflows, periodic work',
  'src/netboot': 'The DHCP, TFTP and HTTP servers; they read boot plans and answer',
  'src/api': 'HTTP in: the Bare Metal API and the agents’ listener',
  'src/backup': 'Dump and restore of the database, for the `ferric` command',
  'src/start': 'The daemon: it starts every part in order and stops them in the reverse order',
  agent: 'The deploy agent, and the builder of its ramdisk',
  'image-build':
    'Builders of images and what they share: programs, a log, a scratch directory, stages, published files',
  cli: 'The `ferric` command; it speaks to the daemon over its API only, but for backups of the database',
  lab: 'Virtual BMCs and machines that touch the daemon over the wire only',
  demo: 'The demonstration: a rack of the lab, a daemon, and one deployment through them',
  migrations: 'The database schema, step by step, as explicit SQL',
};

/** docs/reference/rooms.md, from the import rules that fail the build. */
export const rooms: Page = {
  path: 'docs/reference/rooms.md',
  render() {
    const config = createRequire(import.meta.url)(resolve('.dependency-cruiser.cjs')) as {
      forbidden: Rule[];
    };
    return renderRooms(config.forbidden);
  },
};

export function renderRooms(rules: readonly Rule[]): string {
  const found = rules.filter((rule) => rule.name.startsWith('room-')).map(toRoom);
  const named = new Set(found.map(({ room }) => room));
  const without = [...named].filter((room) => !Object.hasOwn(PURPOSE, room));
  if (without.length > 0) throw new Error(`scripts/docs/rooms.ts: no sentence for ${without.join(', ')}`);
  const pure = rules
    .filter((rule) => rule.name.startsWith('pure-'))
    .map((rule) => `\`${rule.name.slice(5)}\``);
  return `# Rooms

${GENERATED}

A folder is a room. A room may import itself and the rooms in its row, and nothing else; \`npm run rooms\` fails on any
other import, on circles, and on a folder without a row. ${pure.join(' and ')} are pure: they import no \`node:\` module
and no npm package (zod is allowed where the body of a message is parsed). \`src/main.ts\` stands outside
the rooms: it settles the runtime and starts \`src/start\`.

${table(
  ['Room', 'What it is for', 'May import'],
  found.map(({ room, allowed }) => [
    `\`${room}\``,
    PURPOSE[room]!,
    allowed.length === 0 ? 'nothing' : allowed.map((other) => `\`${other.replace(/^src\//, '')}\``).join(' '),
  ]),
)}
`;
}

function toRoom(rule: Rule): { room: string; allowed: string[] } {
  const plain = (path: string) => path.replace(/^\^/, '').replace(/\/$/, '');
  const room = plain(rule.from.path ?? '');
  const allowed = [rule.to.pathNot ?? []].flat().map(plain);
  return { room, allowed: allowed.filter((other) => other !== room) };
}
