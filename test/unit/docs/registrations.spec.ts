import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Lists that a resource stands in; the recipe of CONTRIBUTING names them. */
const LISTS = [
  'src/persistence/resources.ts',
  'src/database/migrations.ts',
  'src/api/operator-api.ts',
  'src/api/v1/collections.ts',
];

const sources = globSync('src/**/*.ts').map((path) => ({ path, text: readFileSync(path, 'utf8') }));
const IMPORT = /from '([^']+)'/g;

/** Files outside a resource's own folders that import from them. */
function importers(resource: string): string[] {
  const own = new RegExp(`/${resource}/|-${resource}\\.`);
  return sources
    .filter(({ path }) => !own.test(path))
    .filter(({ text }) => [...text.matchAll(IMPORT)].some(([, from]) => own.test(from!)))
    .map(({ path }) => path)
    .toSorted();
}

it.each([
  // A node stands in a chassis.
  ['chassis', ['src/api/v1/node/node-editor.ts', 'src/api/v1/node/node-list.ts']],
  // Verbs may name a runbook in the place of steps.
  ['runbook', ['src/api/v1/node/states.controller.ts']],
])('%s is registered in the lists of the recipe, and known to nobody else but its users', (name, users) => {
  expect(existsSync(`src/persistence/${name}`) && existsSync(`src/api/v1/${name}`)).toBe(true);
  const lists = LISTS.filter((path) => path !== 'src/api/v1/collections.ts');
  expect(importers(name)).toEqual([...lists, ...users].toSorted());
});

it.each([['chassis'], ['runbooks']])('%s is a collection under /v1', (name) => {
  expect(readFileSync('src/api/v1/collections.ts', 'utf8')).toMatch(new RegExp(`^  ${name}: \\d+,$`, 'm'));
});

it('the recipe names each of these lists, four at most', () => {
  const recipe = readFileSync('CONTRIBUTING.md', 'utf8').split('## Recipes')[1]!;
  expect(LISTS.length).toBeLessThanOrEqual(4);
  for (const list of LISTS) expect(recipe).toContain(`\`${list}\``);
});
