import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Rule {
  readonly name: string;
  readonly from: { readonly path?: string };
  readonly to: { readonly pathNot?: string | readonly string[] };
}

const { forbidden } = createRequire(import.meta.url)(resolve('.dependency-cruiser.cjs')) as {
  forbidden: readonly Rule[];
};
const folder = (pattern: string) => pattern.replace(/^\^/, '').replace(/\/$/, '');
/** Each room with the rooms that it may import. */
const rooms = forbidden
  .filter(({ name }) => name.startsWith('room-'))
  .map(({ from, to }) => {
    const room = folder(from.path ?? '');
    const permitted = [to.pathNot ?? []].flat().map(folder);
    return { room, permitted: permitted.filter((other) => other !== room) };
  });

const read = (path: string) => readFileSync(path, 'utf8');
/** Paths that a file imports from, of the repository. */
function imported(path: string): string[] {
  return [...read(path).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    join(dirname(path), match[1]!),
  );
}
const within = (room: string) => (path: string) => path.startsWith(`${room}/`);

describe('rooms', () => {
  it('have no arrow that is permitted and that nobody draws', () => {
    const idle = rooms.flatMap(({ room, permitted }) => {
      const drawn = globSync(`${room}/**/*.ts`).flatMap(imported);
      return permitted.filter((other) => !drawn.some(within(other))).map((other) => `${room} → ${other}`);
    });
    expect(idle).toEqual([]);
  });

  it('stand in the picture of the architecture, each of the daemon once, and nothing else does', () => {
    const [, picture = ''] = read('docs/explanation/architecture.md').split('```');
    const named = [...picture.matchAll(/^ (?:[A-Z]+ +| {8})([a-z-]+) {2,}\S/gm)].map((match) => match[1]);
    const ofDaemon = rooms.filter(({ room }) => room.startsWith('src/')).map(({ room }) => room.slice(4));
    expect(named.toSorted()).toEqual(ofDaemon.toSorted());
  });
});

/** Subjects of tests that cross rooms. */
const ACROSS = new Set(['crash', 'daemon', 'docker', 'docs', 'exposure.spec.ts', 'scripts', 'security']);

describe('a test of the tiers unit and component', () => {
  const specs = globSync('test/{unit,component}/**/*.spec.ts');
  const place = (path: string) => path.split('/')[2]!;
  const roomOf = (path: string) =>
    rooms.find(({ room }) => room === place(path) || room === `src/${place(path)}`)?.room;

  it('stands in the folder of a room, or of one of the subjects that cross rooms', () => {
    expect(specs.length).toBeGreaterThan(300);
    expect(specs.filter((path) => !roomOf(path) && !ACROSS.has(place(path)))).toEqual([]);
  });

  it('is of its room, if it is a unit test: it imports from it, reads a file of it or starts its program', () => {
    const strangers = specs.filter((path) => {
      const room = path.startsWith('test/unit/') ? roomOf(path) : undefined;
      if (room === undefined || imported(path).some(within(room))) return false;
      return !read(path).includes(`/${room}/`) && !imported(path).some(within(`test/support/${place(path)}`));
    });
    expect(strangers).toEqual([]);
  });
});
