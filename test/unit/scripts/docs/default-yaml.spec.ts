import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ConfigKey, configKeys } from '../../../../scripts/docs/config-key.js';
import { defaultYaml } from '../../../../scripts/docs/default-yaml.js';
import { configSchema } from '../../../../src/config/schema.js';

const text = defaultYaml.render();

function everyKey(keys: readonly ConfigKey[]): ConfigKey[] {
  return keys.flatMap((key) => [key, ...everyKey(key.below), ...key.member]);
}

describe('config/default.yaml', () => {
  it('parses to exactly what the schema fills in', () => {
    expect(parse(text)).toEqual(configSchema.parse({}));
    expect(configSchema.parse(parse(text))).toEqual(configSchema.parse({}));
  });

  it('explains every key', () => {
    const keys = everyKey(configKeys());
    expect(keys.length).toBeGreaterThan(120);
    expect(keys.filter((key) => key.description === '').map((key) => key.path.join('.'))).toEqual([]);
    expect(text).toMatch(/ {2}# Where operators and clients talk to the Bare Metal API\n {2}listen:\n/);
    expect(text).toMatch(/ # TCP port; 0 lets the system choose\. Integer, 0 to 65535\.\n {4}port: 6385\n/);
  });

  it('names what a list holds', () => {
    expect(text).toMatch(/# {3}mac: MAC address of a port\. String, required\.\n/);
    expect(text).toMatch(/# {3}range_start: First address of the pool; null: no pool\..*; default null\.\n/);
  });

  it('stays within 110 columns where it is text', () => {
    const long = text.split('\n').filter((line) => line.trimStart().startsWith('#') && line.length > 110);
    expect(long).toEqual([]);
  });
});
