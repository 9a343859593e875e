import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { sendFile } from '../../../src/platform/send-file.js';
import { throwOnce } from '../../support/faults/throw-once.js';

const content = Buffer.from(Array.from({ length: 1_500_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
const handle = (bytes = content) => ({
  read: async (buffer: Buffer, offset: number, length: number, position: number) => ({
    bytesRead: bytes.copy(buffer, offset, position, position + length),
    buffer,
  }),
});

/** Keeps what it is given without a copy until it says that it took it: a buffer used too early shows. */
function lateStream(delay: number) {
  const got: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      setTimeout(() => {
        got.push(Buffer.from(chunk));
        done();
      }, delay);
    },
  });
  return { stream, whole: () => Buffer.concat(got) };
}

describe('sendFile', () => {
  it.each([
    [0, content.length],
    [1, 1],
    [1_234_567, 65_433],
    [5, 262_144],
    [0, 0],
  ])('from %i, %i bytes', async (start, length) => {
    const { stream, whole } = lateStream(1);
    await sendFile(handle() as never, start, length, stream);
    expect(whole().equals(content.subarray(start, start + length))).toBe(true);
  });

  it('many at once do not share a buffer', async () => {
    const streams = Array.from({ length: 20 }, (_, i) => lateStream(i % 3));
    await Promise.all(streams.map(({ stream }, i) => sendFile(handle() as never, i * 1000, 600_000, stream)));
    for (const [i, { whole }] of streams.entries()) {
      expect(whole().equals(content.subarray(i * 1000, i * 1000 + 600_000))).toBe(true);
    }
  });

  it('fails when the file ends early, when the client goes, and when it is gone already', async () => {
    await expect(sendFile(handle() as never, 0, content.length + 1, lateStream(0).stream)).rejects.toThrow(
      'shorter',
    );
    const { stream } = lateStream(20);
    const sending = sendFile(handle() as never, 0, content.length, stream);
    setTimeout(() => stream.destroy(), 30);
    await expect(sending).rejects.toThrow('gone');
    await expect(sendFile(handle() as never, 0, 10, stream)).rejects.toThrow('gone');
  });

  it('fails when the client goes, although the handler that hears of it throws', async () => {
    const { thrown } = throwOnce('a file’s reader');
    // As that of Node.js's HTTP: what was written to a connection that closes is never called back.
    const stream = new Writable({ write: () => undefined });
    const sending = sendFile(handle() as never, 0, 10, stream);
    await new Promise(setImmediate);
    stream.emit('close');
    await expect(sending).rejects.toThrow('gone');
    expect(thrown()).toBe(true);
  });
});
