import { expect, it } from 'vitest';
import {
  authoritiesPath,
  authorityFiles,
  CONFIG_FOLDER,
} from '../../../../src/protocol/agent/authority-files.js';

it('the files name each other', () => {
  const files = authorityFiles('PEM\n');
  const text = (path: string) => new TextDecoder().decode(files.get(path));
  const configuration = [...files.keys()].filter((path) => path.startsWith(CONFIG_FOLDER)).map(text);
  expect(text(authoritiesPath(configuration)!.slice(1))).toBe('PEM\n');
});

it.each<[string, string[], string | undefined]>([
  ['as Ironic writes it', ['[DEFAULT]\ncafile = /etc/ca.crt\n'], '/etc/ca.crt'],
  ['without blanks, without an end of line', ['[DEFAULT]\r\ncafile=/a b.crt'], '/a b.crt'],
  ['the last one', ['[DEFAULT]\ncafile=/a\ncafile=/b\n', '[DEFAULT]\ncafile: /c\n'], '/c'],
  ['none of another section', ['[DEFAULT]\ndebug=1\n[metrics]\ncafile=/a\n'], undefined],
  [
    'nor of a comment, nor another name',
    ['[DEFAULT]\n#cafile=/a\n;cafile=/b\nmy_cafile=/c\ncafiles=/d\n'],
    undefined,
  ],
  ['nor an empty one', ['[DEFAULT]\ncafile=/a\ncafile =\n'], undefined],
  ['none at all', [], undefined],
])('cafile: %s', (_, texts, path) => {
  expect(authoritiesPath(texts)).toBe(path);
});
