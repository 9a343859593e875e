import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FerricError, messageOf } from '../../domain/errors.js';
import { diskRoom } from '../../platform/disk-room.js';
import { writeFileAtomically } from '../../platform/write-file.js';
import type { DriverContext } from '../contract/context.js';
import type { AgentClient } from './client.js';

/** Bytes of disk space that logs leave free: the database may be on the same disk. */
const KEEP_FREE = 256 * 1024 * 1024;

/** Fetches the logs of a ramdisk into a file. */
export class RamdiskLogs {
  private readonly client: AgentClient;
  private readonly directory: string;
  private readonly maxBytes: number;

  /** @param parts.maxBytes limit of one archive */
  constructor(parts: { client: AgentClient; directory: string; maxBytes: number }) {
    this.client = parts.client;
    this.directory = parts.directory;
    this.maxBytes = parts.maxBytes;
  }

  /**
   * Best effort: a failure is logged. The archive is untrusted and possibly hostile: it is stored as received and never
   * opened here.
   * @param label the kind of operation: deploy, clean
   */
  async collect(context: DriverContext, label: string): Promise<void> {
    if (!this.client.isKnown(context)) return;
    try {
      // base64 is a third longer; 4 KiB for the JSON around it.
      const limit = Math.ceil(this.maxBytes / 3) * 4 + 4_096;
      const { command_result } = await this.client.call(
        context,
        'log.collect_system_logs',
        {},
        { attempts: 1, maxBytes: limit },
      );
      const text = command_result?.['system_logs'];
      if (typeof text !== 'string') throw new FerricError('agent-failed', 'the agent sent no logs');
      await this.store(context, label, text);
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.warn({ error: messageOf(error) }, 'the ramdisk’s logs could not be fetched');
    }
  }

  /**
   * @param text the archive in base64
   * @throws FerricError agent-failed for an archive above the limit
   */
  async store(context: DriverContext, label: string, text: string): Promise<void> {
    const archive = Buffer.from(text, 'base64');
    if (archive.length > this.maxBytes) throw new FerricError('agent-failed', 'the logs are too large');
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    if ((await diskRoom(this.directory)) < KEEP_FREE + archive.length)
      throw new FerricError('agent-failed', 'the disk has no room for them: what is left is the database’s');
    const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const path = join(this.directory, `${context.node.uuid}_${label}_${stamp}.tar.gz`);
    await writeFileAtomically(path, archive, 0o600);
    context.log.info({ path, bytes: archive.length }, 'the ramdisk’s logs are stored');
  }
}
