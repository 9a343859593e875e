import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigError, ignoredVariables, loadConfig } from '../../../src/config/load.js';

function yaml(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'ferric-config-')), 'ferric.yaml');
  writeFileSync(file, text);
  return file;
}

describe('loadConfig', () => {
  it('needs nothing', () => {
    const config = loadConfig({ env: {} });
    expect(config.api.listen).toEqual({ address: '127.0.0.1', port: 6385 });
    expect(config.data_dir).toMatch(/^\//);
  });

  it('puts the environment over the file over the defaults', () => {
    const file = yaml('api: {listen: {port: 7000}, max_limit: 50}\nlog: {level: warn}\n');
    const config = loadConfig({ file, env: { FERRIC_API__LISTEN__PORT: '7001' } });
    expect(config.api.listen.port).toBe(7001);
    expect(config.api.max_limit).toBe(50);
    expect(config.log.level).toBe('warn');
  });

  it('reports all faults together', () => {
    const file = yaml('api: {listen: {port: 99999}, nope: 1}\nwhat: {}\nconductor: {workers: "many"}\n');
    expect(() => loadConfig({ file, env: { FERRIC_LOG__LEVEL: 'loud' } })).toThrow(ConfigError);
    try {
      loadConfig({ file, env: { FERRIC_LOG__LEVEL: 'loud' } });
    } catch (error) {
      const faults = (error as ConfigError).faults.join('\n');
      for (const part of [
        'api.listen.port',
        'api.nope',
        'what: no such key',
        'conductor.workers',
        'log.level',
      ]) {
        expect(faults).toContain(part);
      }
    }
  });

  it('never prints a secret', () => {
    const config = loadConfig({ env: { FERRIC_DATABASE__URL: 'postgresql://u:canary-pw@h/db' } });
    expect(config.database.url?.reveal()).toContain('canary-pw');
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9 }), `${config.database.url}`]) {
      expect(text).not.toContain('canary-pw');
    }
  });

  it('is frozen', () => {
    const config = loadConfig({ env: {} });
    expect(() => Object.assign(config.api, { max_limit: 1 })).toThrow(TypeError);
  });
});

it('environment: only names with two underscores set a key, others are told and stop nothing', () => {
  const env = {
    FERRIC_PORT: 'tcp://10.0.0.1:6385',
    FERRIC_SERVICE_HOST: '10.0.0.1',
    FERRIC_PORT_6385_TCP_ADDR: '10.0.0.1',
    FERRIC_CONFIG: '/etc/ferric.yaml',
    FERRIC_DATA_DIR: '/srv/ferric',
    FERRIC_API__LISTEN__PORT: '7001',
    HOME: '/root',
  };
  expect(loadConfig({ env })).toMatchObject({ data_dir: '/srv/ferric', api: { listen: { port: 7001 } } });
  expect(ignoredVariables(env)).toEqual(['FERRIC_PORT', 'FERRIC_PORT_6385_TCP_ADDR', 'FERRIC_SERVICE_HOST']);
  expect(() => loadConfig({ env: { FERRIC_API__PROT: '1' } })).toThrow('api.prot: no such key');
});
