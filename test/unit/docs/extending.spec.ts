import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const page = readFileSync('docs/explanation/extending-ferric.md', 'utf8');
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n')[0]!, section] as const),
);
/** Files of the numbered list of a section. */
const changed = (title: string) =>
  [...sections.get(title)!.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, path]) => path!);

/** Files of `src` that import from a folder and are not of it. */
function importers(folder: string): string[] {
  const named = new RegExp(`from '[^']*/${folder}/[^']+'`);
  return globSync('src/**/*.ts')
    .filter((path) => !path.includes(`/${folder}/`))
    .filter((path) => named.test(readFileSync(path, 'utf8')))
    .toSorted();
}

it('the numbers of the table are those of the lists, and each file is there', () => {
  const rows = [...page.matchAll(/^\| (.+?)(?: \(built\))? \| (\d+) \|/gm)];
  expect(rows.map(([, title]) => title)).toEqual(
    [...sections.keys()]
      .filter((title) => title !== 'A resource')
      .map((title) => (title === 'A second conductor' ? 'A second conductor on one database' : title)),
  );
  for (const [, title, count] of rows) {
    const files = changed(title!.replace(' on one database', ''));
    expect([title, files.length]).toEqual([title, Number(count)]);
    expect(files.filter((path) => !existsSync(path))).toEqual([]);
  }
});

it('outside of its folders, redfish is known to the files of its list alone', () => {
  const [implementations, composition, module, section] = changed('A hardware type `redfish`');
  expect(importers('redfish')).toEqual([composition, module, implementations].toSorted());
  expect(readFileSync(section!, 'utf8')).toContain("'redfish'");
});

it('the metrics listener is known to the start alone', () => {
  expect(importers('metrics')).toEqual(['src/start/daemon.ts', 'src/start/observation.ts']);
  const [daemon, schema] = changed('A metrics exporter');
  expect(readFileSync(daemon!, 'utf8')).toContain("'./observation.js'");
  expect(readFileSync(schema!, 'utf8')).toContain('metrics');
});

it('the native IPMI link is known outside of the IPMI folder to the module alone', () => {
  const [module, section] = changed('A native IPMI link');
  expect(importers('native').filter((path) => !path.startsWith('src/driver/ipmi/'))).toEqual([module]);
  expect(readFileSync(section!, 'utf8')).toContain("'native'");
});
