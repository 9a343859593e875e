import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ownPaths } from '../../../src/config/own-paths.js';
import { configSchema } from '../../../src/config/schema.js';
import { DEFAULT_FILE_PATHS } from '../../../src/domain/image/file-path.js';
import { checkPlaces } from '../../../src/image/check-places.js';

const root = mkdtempSync(join(tmpdir(), 'ferric-places-'));
mkdirSync(join(root, 'data/image-cache'), { recursive: true });
mkdirSync(join(root, 'files'));
symlinkSync(join(root, 'data'), join(root, 'linked'));
afterAll(() => rmSync(root, { recursive: true }));

const config = { ...configSchema.parse({}), data_dir: join(root, 'data') };
const check =
  (directory: string, own = ownPaths(config)) =>
  () =>
    checkPlaces({ allowed: [directory], own });

describe('a start', () => {
  it.each([
    '',
    'data',
    'data/image-cache',
    'data/image-store/x',
    'data/postgresql',
    'data/httpboot',
    'linked',
  ])('is refused where users may name files in %j', (place) => {
    expect(check(join(root, place))).toThrow('image.allowed_file_paths');
  });

  it('is refused where a store lies in an allowed directory, whichever of both is a link', () => {
    symlinkSync(join(root, 'files'), join(root, 'elsewhere'));
    expect(check(join(root, 'files'), [join(root, 'elsewhere/store')])).toThrow('elsewhere/store');
  });

  it('goes on beside them, and with the defaults', () => {
    for (const place of ['files', 'data/images', 'nothing', 'data/image-cache-2'])
      expect(check(join(root, place))).not.toThrow();
    const own = ownPaths({ ...config, data_dir: '/var/lib/ferric' });
    expect(() => checkPlaces({ allowed: DEFAULT_FILE_PATHS, own })).not.toThrow();
  });
});
