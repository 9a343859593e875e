import { describe, expect, it } from 'vitest';
import { missingSettings } from '../../../src/platform/runtime-settings.js';

const GIB = 2 ** 30;
const all = {
  flags: ['--max-semi-space-size=8', '--max-old-space-size=1024'],
  env: { MALLOC_ARENA_MAX: '2' },
};

describe('what Node.js must be started with', () => {
  it('is all of it where nothing was given', () => {
    expect(missingSettings([], {}, 4 * GIB)).toEqual(all);
  });

  it('is nothing once it was given', () => {
    expect(missingSettings(all.flags, all.env, GIB)).toBeNull();
  });

  it('leaves what somebody chose, however it is spelt and wherever it stands', () => {
    const env = { NODE_OPTIONS: '--enable-source-maps --max_semi_space_size=32', MALLOC_ARENA_MAX: '1' };
    expect(missingSettings(['--max-old-space-size', '2048'], env, 2 * GIB)).toBeNull();
  });

  it('takes another flag with the same beginning for another flag', () => {
    expect(missingSettings(['--max-old-space-size-percentage=50'], {}, 4 * GIB)).toEqual(all);
  });

  it('raises no limit of a machine or container that has little memory', () => {
    expect(missingSettings([], all.env, 0.5 * GIB)!.flags).toEqual(['--max-semi-space-size=8']);
  });
});
