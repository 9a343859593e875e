import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { afterEach, beforeEach } from 'vitest';
import { AgentUnderTest } from './agent-under-test.js';
import { sha256 } from './disk-image.js';
import { ImageServer } from './image-server.js';

export const GIB = 2 ** 30;
export const MIB = 2 ** 20;

/** An agent with an empty disk of 5 GiB, and the server of its images; both are new for each test. */
class WriteImageBed {
  test!: AgentUnderTest;
  server!: ImageServer;
  /** The device's name. */
  disk!: string;

  async start(): Promise<void> {
    this.test = await AgentUnderTest.prepare();
    this.server = await ImageServer.start();
    this.disk = this.test.machine.addDisk(`${this.test.dir}/disk`, 5 * GIB).name;
    await this.test.start();
  }

  async stop(): Promise<void> {
    await this.test.stop();
    await this.server.stop();
  }

  /** The server offers these bytes from now on. @returns an image_info that names them */
  readonly raw = (content: Buffer, more: object = {}) => {
    const { server } = this;
    server.content.set('disk.raw', content);
    return {
      id: 'image-1',
      urls: [server.url('disk.raw')],
      disk_format: 'raw',
      os_hash_algo: 'sha256',
      os_hash_value: sha256(content),
      stream_raw_images: true,
      ...more,
    };
  };

  /** Bytes of the disk. */
  readonly read = (offset: number, length: number) => {
    const file = openSync(this.disk, 'r');
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, offset);
    closeSync(file);
    return bytes;
  };

  readonly partitions = () =>
    (
      JSON.parse(execFileSync('sfdisk', ['--json', this.disk], { encoding: 'utf8' })) as {
        partitiontable: {
          label: string;
          partitions: { start: number; size: number; name?: string; type: string }[];
        };
      }
    ).partitiontable;
}

export function useWriteImage(): WriteImageBed {
  const bed = new WriteImageBed();
  beforeEach(() => bed.start());
  afterEach(() => bed.stop());
  return bed;
}
