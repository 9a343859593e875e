import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** A run of tests that a page names: its project, files and titles must exist, or it runs nothing. */
const pages = ['README.md', 'CONTRIBUTING.md', 'docker/README.md', ...globSync('docs/**/*.md')];
const runs = pages.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/npx vitest run ([^`]+)`/g)].map(([, words]) => ({
    page,
    words: words!.replaceAll(/\s+/g, ' '),
  })),
);

it('is named at all', () => {
  expect(runs.length).toBeGreaterThan(3);
});

it.each(runs)('$page: $words', ({ words }) => {
  const project = /--project ([\w-]+)/.exec(words)?.[1];
  expect(project, 'names a project').toBeDefined();
  expect(existsSync(`test/${project}`)).toBe(true);
  for (const [path] of words.matchAll(/\btest\/\S+/g)) {
    expect(globSync(`${path}*`).length, path).toBeGreaterThan(0);
    expect(path.startsWith(`test/${project}/`), path).toBe(true);
  }
  const title = /-t "([^"]+)"/.exec(words)?.[1];
  if (title === undefined) return;
  const sources = globSync(`test/${project}/**/*.spec.ts`).map((path) => readFileSync(path, 'utf8'));
  expect(
    sources.some((source) => source.includes(title)),
    title,
  ).toBe(true);
});
