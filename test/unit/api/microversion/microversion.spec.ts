import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everyVersion, negotiate } from '../../../../src/api/microversion/microversion.js';

const OURS = 'x-openstack-ironic-api-version';
const STANDARD = 'openstack-api-version';

describe('negotiate', () => {
  it.each<[Record<string, string>, string]>([
    [{}, '1.1'],
    [{ [OURS]: '1.5' }, '1.5'],
    [{ [OURS]: ' 1.115 ' }, '1.115'],
    [{ [OURS]: 'latest' }, '1.115'],
    [{ [OURS]: 'LATEST' }, '1.115'],
    [{ [STANDARD]: 'baremetal 1.31' }, '1.31'],
    [{ [STANDARD]: 'Baremetal  latest' }, '1.115'],
    [{ [STANDARD]: 'compute 2.1, baremetal 1.9' }, '1.9'],
    [{ [STANDARD]: 'baremetal 1.8, baremetal 1.9' }, '1.9'],
    [{ [STANDARD]: 'compute 2.1' }, '1.1'],
    [{ [STANDARD]: 'compute 2.1', [OURS]: '1.7' }, '1.7'],
    [{ [STANDARD]: 'baremetal 1.9', [OURS]: '1.7' }, '1.9'],
    [{ [STANDARD]: 'baremetal' }, '1.1'],
    [{ [OURS]: '' }, '1.1'],
  ])('%j: %s', (headers, version) => {
    expect(negotiate(headers).toString()).toBe(version);
  });
  it.each<[string, string]>([
    ['1.0', 'Version 1.0 was requested but the minor version is not supported'],
    ['1.116', 'The supported version range is: [1.1, 1.115].'],
    ['1.99999999999999999999', 'Invalid value'],
    ['2.1', 'Mutually exclusive versions requested'],
    ['abc', 'Invalid value for X-OpenStack-Ironic-API-Version header'],
    ['1', 'Invalid value'],
    ['1.5.1', 'Invalid value'],
    ['-1.5', 'Invalid value'],
    ['1.5 ; drop', 'Invalid value'],
  ])('refuses %s', (text, message) => {
    expect(() => negotiate({ [OURS]: text })).toThrow(message);
  });
  it('counts 115 versions', () => {
    expect(everyVersion().map(String)).toHaveLength(115);
    expect(everyVersion()[0]!.has(2)).toBe(false);
    expect(everyVersion()[1]!.has(2)).toBe(true);
  });
});

describe('version numbers', () => {
  it('are compared in src/api/microversion alone', () => {
    const comparison =
      /\b(minor|version)\b[\w.]*\)?\s*(?:[<>]=?|[=!]==)\s*\d|\d\s*(?:[<>]=?)\s*\w*\.?(minor|version)\b|\.minor\b|\.has\(\d/;
    const files = readdirSync('src/api', { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !name.startsWith('microversion'),
    );
    expect(files.length).toBeGreaterThan(30);
    const found = files.filter((name) =>
      readFileSync(join('src/api', name), 'utf8')
        .split('\n')
        .some((line) => comparison.test(line)),
    );
    expect(found).toEqual([]);
    expect(comparison.test('if (version.minor >= 5)')).toBe(true);
    expect(comparison.test('version.has(31)')).toBe(true);
  });
});
