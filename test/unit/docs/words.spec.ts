import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Words in code in the last column of CONTRIBUTING's table. */
const refused = readFileSync('CONTRIBUTING.md', 'utf8')
  .split('\n')
  .filter((line) => /^\|.*\|$/.test(line))
  .flatMap((row) =>
    [
      ...row
        .split('|')
        .at(-2)!
        .matchAll(/`([^`]+)`/g),
    ].map(([, word]) => word!),
  );
const FOLDERS = '{src,agent,image-build,cli,lab,demo,migrations,scripts}/**/*.ts';

it('the table refuses words', () => {
  expect(refused).toEqual(expect.arrayContaining(['patience', 'sparingly', 'RamdiskDoor']));
});

it.each(refused)('no name and no comment has the word %s', (word) => {
  const found = new RegExp(word, 'i');
  expect(globSync(FOLDERS).filter((path) => found.test(readFileSync(path, 'utf8')))).toEqual([]);
});
