import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConfigKey, configKeys } from '../../../scripts/docs/config-key.js';

const read = (path: string) => readFileSync(path, 'utf8');
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docker/README.md'],
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const texts = PAGES.map((path) => ({ path, text: read(path) }));

/** `page: what` for each thing that a page names and that is not there. */
function lost(find: (text: string, path: string) => string[]): string[] {
  return texts.flatMap(({ path, text }) => find(text, path).map((what) => `${path}: ${what}`));
}
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);

describe('documentation', () => {
  it('holds no mark of a merge that was not finished', () => {
    expect(lost((text) => matches(text, /^((?:<{7}|>{7}) .*)$/gm))).toEqual([]);
  });
  it('links to files and headings that are there', () => {
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-');
    expect(texts.length).toBeGreaterThan(25);
    expect(
      lost((text, path) =>
        matches(text, /\]\(([^)\s]+)\)/g).filter((target) => {
          if (/^[a-z]+:/.test(target)) return false;
          const [file, heading] = target.split('#');
          const at = file === '' ? path : join(dirname(path), file!);
          if (!existsSync(at)) return true;
          return (
            heading !== undefined &&
            !matches(read(at), /^#+ (.+)$/gm)
              .map(slug)
              .includes(heading)
          );
        }),
      ),
    ).toEqual([]);
  });

  it('names configuration keys that are there', () => {
    const keys = new Set<string>();
    const walk = (key: ConfigKey) => {
      keys.add(key.path.join('.'));
      for (const below of [...key.below, ...key.member]) walk(below);
    };
    for (const key of configKeys()) walk(key);
    const sections = configKeys()
      .filter((key) => key.below.length > 0)
      .map((key) => key.path[0]);
    const pattern = new RegExp(`\`((?:${sections.join('|')})(?:\\.[a-z_0-9]+)+)(?:: [^\`]*)?\``, 'g');
    const named = texts.flatMap(({ text }) => matches(text, pattern));
    expect(named.length).toBeGreaterThan(100);
    // A file or an event of the API looks alike.
    expect(lost((text) => matches(text, pattern).filter((key) => !keys.has(key)))).toEqual([]);
  });

  it('names npm scripts, make targets and files of the repository that are there', () => {
    const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
    const targets = matches(read('Makefile'), /^([a-z-]+):/gm);
    expect(lost((text) => matches(text, /npm run ([a-z:]+)/g).filter((it) => !scripts.includes(it)))).toEqual(
      [],
    );
    expect(
      lost((text) => matches(text, /^ {4}make ([a-z-]+)/gm).filter((it) => !targets.includes(it))),
    ).toEqual([]);
    const path = /`((?:src|agent|lab|demo|scripts|config|docker|test|migrations)\/[\w./-]+)`/g;
    expect(lost((text) => matches(text, path).filter((it) => !existsSync(it)))).toEqual([]);
  });

  it('tells every decision in its list', () => {
    const pages = readdirSync('docs/adr').filter((name) => /^\d{4}-/.test(name));
    expect(matches(read('docs/adr/README.md'), /\]\((\d{4}-[^)]+)\)/g).sort()).toEqual(pages.sort());
    for (const page of pages)
      for (const part of ['Context', 'Choice', 'Cost'])
        expect(read(`docs/adr/${page}`)).toContain(`**${part}.**`);
  });
});
