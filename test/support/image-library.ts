import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageServiceSection } from '../../src/config/section/image-service.js';
import type { Download, ImageLibrary } from '../../src/image-library/image-library.js';
import { composeLibrary } from '../../src/image-library/image-library.module.js';
import { ImageRecordRepository } from '../../src/persistence/image-record/image-record.repository.js';
import { silentLog, type TestDatabase } from './database.js';

export interface TestLibrary {
  library: ImageLibrary;
  records: ImageRecordRepository;
  section: ReturnType<typeof imageServiceSection.parse>;
  directory: string;
  /** Paths in the store of blobs and parts. */
  files(): Promise<string[]>;
  close(): Promise<void>;
}

/** The built-in Image service, on a directory of its own. */
export async function startLibrary(
  database: TestDatabase,
  settings: object = {},
  download: Download = () => Promise.reject(new Error('no downloads here')),
): Promise<TestLibrary> {
  const directory = await mkdtemp(join(tmpdir(), 'ferric-library-'));
  const section = imageServiceSection.parse({
    directory: join(directory, 'store'),
    keep_free_mib: 0,
    ...settings,
  });
  const records = new ImageRecordRepository(database.source);
  const library = composeLibrary({ image_service: section, data_dir: directory }, records, silentLog);
  await library.start(download);
  return {
    library,
    records,
    section,
    directory,
    files: async () => {
      const found = await readdir(section.directory!, { recursive: true, withFileTypes: true });
      return found.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
    close: async () => {
      await library.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
