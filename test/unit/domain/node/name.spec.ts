import { describe, expect, it } from 'vitest';
import { canonicalUuid, isHostName, isLogicalName, isUuidLike } from '../../../../src/domain/node/name.js';

describe('names', () => {
  it.each(['a', 'web-1', 'Rack.1_a~', 'x'.repeat(255), 'node.json'])('%s is a logical name', (name) => {
    expect(isLogicalName(name)).toBe(true);
  });
  it.each(['', 'bad name', 'a/b', 'ä', 'a\0', 'x'.repeat(256), 'a\n'])('%j is none', (name) => {
    expect(isLogicalName(name)).toBe(false);
  });
  it.each([
    ['web-1', true],
    ['web-1.example.org.', true],
    ['Web', false],
    ['web_1', false],
    ['a.b_c', true],
    ['-a', false],
    ['a..b', false],
  ])('before 1.10, %s: %s', (name, valid) => {
    expect(isHostName(name)).toBe(valid);
  });
  it('takes 100 kB of anything in no time', () => {
    const started = performance.now();
    for (const unit of ['a-', '-', 'a.', '_', 'a']) isHostName(unit.repeat(50_000));
    expect(performance.now() - started).toBeLessThan(100);
  });
});

describe('UUIDs', () => {
  it.each([
    '7DAA1A92-C3D7-4ADD-AAED-66FCBBA58912',
    '7daa1a92c3d74addaaed66fcbba58912',
    '{7daa1a92-c3d7-4add-aaed-66fcbba58912}',
    'urn:uuid:7daa1a92-c3d7-4add-aaed-66fcbba58912',
  ])('%s', (text) => {
    expect(canonicalUuid(text)).toBe('7daa1a92-c3d7-4add-aaed-66fcbba58912');
  });
  it.each(['', '7daa1a92', 'g'.repeat(32), '-'.repeat(100)])('%j is none', (text) => {
    expect(isUuidLike(text)).toBe(false);
  });
});
