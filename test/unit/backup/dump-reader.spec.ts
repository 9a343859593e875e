import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { FIRST_LINE } from '../../../src/backup/manifest.js';
import { DumpReader } from '../../../src/backup/restore.js';
import { MIGRATIONS } from '../../../src/database/migrations.js';

const directory = mkdtempSync(join(tmpdir(), 'dump-reader-'));
afterAll(() => rmSync(directory, { recursive: true }));

const manifest = {
  ferric: '1',
  created_at: '2026-01-01T00:00:00Z',
  migrations: [new MIGRATIONS[0]!().name],
  tables: [],
  sealed_by: [],
  image_store: { directory: '/', files: [] },
};
const text = `${FIRST_LINE}\n-- ${JSON.stringify(manifest)}\n-- {"rows":{},"sequences":[]}\n`;
const whole = gzipSync(text);

async function readToItsEnd(bytes: Uint8Array): Promise<void> {
  const file = join(directory, 'dump');
  writeFileSync(file, bytes);
  const reader = await DumpReader.open(file);
  try {
    await reader.line();
    await reader.end();
  } finally {
    await reader.close();
  }
}

it('a file that is no dump is refused at its beginning, not after a line of any length', async () => {
  await expect(readToItsEnd(gzipSync('x'.repeat(300_000)))).rejects.toThrow('it does not begin like one');
  await expect(readToItsEnd(gzipSync('x\n'))).rejects.toThrow('it does not begin like one');
});

describe('the end of a dump', () => {
  it('is that of the file', async () => {
    await expect(readToItsEnd(whole)).resolves.toBeUndefined();
    await expect(readToItsEnd(Buffer.concat([whole, gzipSync('more\n')]))).rejects.toThrow(
      'something follows its end',
    );
    await expect(readToItsEnd(gzipSync(`${text}more`))).rejects.toThrow('its end is missing');
  });

  it('proves what was read: every cut and every wrong check sum is found', async () => {
    for (let cut = 1; cut <= 8; cut++) {
      await expect(readToItsEnd(whole.subarray(0, -cut))).rejects.toThrow('damaged');
    }
    const wrong = Buffer.from(whole);
    wrong.writeUInt32LE((crc32(text) ^ 1) >>> 0, wrong.length - 8);
    await expect(readToItsEnd(wrong)).rejects.toThrow('damaged');
  });
});
