import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('the environment is had without loading anything else, for the process that only starts the daemon anew', () => {
  const source = readFileSync(new URL('../../../src/config/process-source.ts', import.meta.url), 'utf8');
  expect(source).not.toMatch(/^import /m);
});
