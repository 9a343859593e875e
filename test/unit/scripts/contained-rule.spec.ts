import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

/** A file of the room whose text is linted in place of its own. */
const FILE = fileURLToPath(new URL('../../../src/platform/send-file.ts', import.meta.url));
const HEAD = `import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { contained, detached } from './boundary.js';
declare function work(): Promise<void>;
const socket = createSocket('udp4');
`;

/** A line of code, and what the rule says of it. */
const LINES: readonly (readonly [string, string | null])[] = [
  [`socket.on('message', (bytes) => console.log(bytes));`, 'handler'],
  ['setTimeout(() => socket.close(), 10);', 'handler'],
  ['const tick = () => socket.close(); setInterval(tick, 10);', 'handler'],
  ['createServer((request) => request.resume());', 'handler'],
  [`socket.send('x', 1, '::1', (error) => console.log(error));`, 'handler'],
  ['void work();', 'promise'],
  ['const later = () => void work(); later();', 'promise'],
  [`socket.on('message', contained('x', (bytes: Uint8Array) => console.log(bytes)));`, null],
  [`const tock = contained('x', () => socket.close()); setInterval(tock, 10);`, null],
  [`detached('x', work());`, null],
  [
    `await new Promise((resolve, reject) => { socket.once('error', reject); socket.bind(0, () => { socket.off('error', reject); resolve(1); }); });`,
    null,
  ],
];

// In one text: the types of the whole program are worked out for each.
it('finds handlers and promises that do not go through the boundary, and no others', async () => {
  const code = HEAD + LINES.map(([line]) => line).join('\n');
  const [result] = await new ESLint().lintText(code, { filePath: FILE });
  const first = HEAD.split('\n').length;
  const said = result!.messages
    .filter(({ ruleId }) => ruleId === 'ferric/contained')
    .map(({ line, messageId }) => [line - first, messageId]);
  expect(said).toEqual(LINES.flatMap(([, message], at) => (message === null ? [] : [[at, message]])));
}, 60_000);
