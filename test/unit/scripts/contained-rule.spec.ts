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

async function found(code: string): Promise<string[]> {
  const [result] = await new ESLint().lintText(HEAD + code, { filePath: FILE });
  return result!.messages
    .filter(({ ruleId }) => ruleId === 'ferric/contained')
    .map(({ messageId }) => messageId!);
}

it('finds handlers and promises that do not go through the boundary, and no others', async () => {
  expect(await found(`socket.on('message', (bytes) => console.log(bytes));`)).toEqual(['handler']);
  expect(await found(`setTimeout(() => socket.close(), 10);`)).toEqual(['handler']);
  expect(await found(`const tick = () => socket.close(); setInterval(tick, 10);`)).toEqual(['handler']);
  expect(await found(`createServer((request) => request.resume());`)).toEqual(['handler']);
  expect(await found(`socket.send('x', 1, '::1', (error) => console.log(error));`)).toEqual(['handler']);
  expect(await found(`void work();`)).toEqual(['promise']);
  expect(await found(`const tick = () => void work(); tick();`)).toEqual(['promise']);
  expect(
    await found(`socket.on('message', contained('x', (bytes: Uint8Array) => console.log(bytes)));
      const tick = contained('x', () => socket.close());
      setInterval(tick, 10);
      detached('x', work());
      await new Promise((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(0, () => { socket.off('error', reject); resolve(1); });
      });`),
  ).toEqual([]);
}, 60_000);
