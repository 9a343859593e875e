import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { processSource } from '../../../src/config/process-source.js';

describe('processSource', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('takes the file of --config, else of FERRIC_CONFIG, else none', () => {
    vi.stubEnv('FERRIC_CONFIG', undefined);
    expect(processSource(['node', 'main.js'])).not.toHaveProperty('file');
    vi.stubEnv('FERRIC_CONFIG', '/etc/ferric.yaml');
    expect(processSource(['node', 'main.js']).file).toBe('/etc/ferric.yaml');
    expect(processSource(['node', 'main.js', '--config', 'mine.yaml'])).toMatchObject({
      file: 'mine.yaml',
      env: { FERRIC_CONFIG: '/etc/ferric.yaml' },
    });
  });

  it('is had without loading anything else, for the process that only starts the daemon anew', () => {
    const source = readFileSync(new URL('../../../src/config/process-source.ts', import.meta.url), 'utf8');
    expect(source).not.toMatch(/^import /m);
  });
});
