import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { select } from '../../../../src/protocol/http/select.js';

const version = { size: 1000, etag: '"v1"', modified: Date.parse('2026-01-02T03:04:05.678Z') };
const date = 'Fri, 02 Jan 2026 03:04:05 GMT';

describe('ranges', () => {
  it.each([
    [undefined, { status: 200, start: 0, length: 1000 }],
    ['bytes=0-0', { status: 206, start: 0, length: 1 }],
    ['bytes=0-', { status: 206, start: 0, length: 1000 }],
    ['bytes=100-199', { status: 206, start: 100, length: 100 }],
    ['bytes=990-5000', { status: 206, start: 990, length: 10 }],
    ['bytes=-10', { status: 206, start: 990, length: 10 }],
    ['bytes=-5000', { status: 206, start: 0, length: 1000 }],
    ['bytes=1000-', { status: 416 }],
    ['bytes=-0', { status: 416 }],
    ['bytes=0-1,2-3', { status: 416 }],
    [`bytes=${'0-1,'.repeat(1000)}0-1`, { status: 416 }],
    ['bytes=5-2', { status: 200, start: 0, length: 1000 }],
    ['bytes=-', { status: 200, start: 0, length: 1000 }],
    ['bytes=a-b', { status: 200, start: 0, length: 1000 }],
    ['items=0-1', { status: 200, start: 0, length: 1000 }],
    [`bytes=${'9'.repeat(400)}-`, { status: 200, start: 0, length: 1000 }],
  ])('%s', (range, expected) => {
    expect(select(version, { range })).toEqual(expected);
  });

  it('stay inside of the file, always', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 50 }),
        fc.option(fc.nat({ max: 60 })),
        fc.option(fc.nat({ max: 60 })),
        (size, a, b) => {
          const chosen = select({ ...version, size }, { range: `bytes=${a ?? ''}-${b ?? ''}` });
          if ('start' in chosen) {
            expect(chosen.start).toBeGreaterThanOrEqual(0);
            expect(chosen.start + chosen.length).toBeLessThanOrEqual(size);
          }
        },
      ),
    );
  });

  it('an empty file has none', () => {
    expect(select({ ...version, size: 0 }, { range: 'bytes=0-' })).toEqual({ status: 416 });
    expect(select({ ...version, size: 0 }, {})).toEqual({ status: 200, start: 0, length: 0 });
  });
});

describe('conditions', () => {
  const part = { status: 206, start: 5, length: 995 };
  const whole = { status: 200, start: 0, length: 1000 };
  it.each([
    ['"v1"', part],
    [date, part],
    ['"v0"', whole],
    ['W/"v1"', whole],
    ['Fri, 02 Jan 2026 03:04:06 GMT', whole],
    ['nonsense', whole],
  ])('If-Range %s', (ifRange, expected) => {
    expect(select(version, { range: 'bytes=5-', ifRange })).toEqual(expected);
  });

  it('If-None-Match goes before If-Modified-Since', () => {
    expect(select(version, { ifNoneMatch: '"a", W/"v1"' })).toEqual({ status: 304 });
    expect(select(version, { ifNoneMatch: '*' })).toEqual({ status: 304 });
    expect(select(version, { ifNoneMatch: '"a"', ifModifiedSince: date })).toEqual(whole);
    expect(select(version, { ifModifiedSince: date })).toEqual({ status: 304 });
    expect(select(version, { ifModifiedSince: 'Fri, 02 Jan 2026 03:04:04 GMT' })).toEqual(whole);
    expect(select(version, { ifModifiedSince: 'nonsense' })).toEqual(whole);
  });
});
