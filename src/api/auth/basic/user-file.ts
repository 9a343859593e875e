import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { messageOf } from '../../../domain/errors.js';
import type { Logger } from '../../../platform/logger.js';
import { LoginUnavailable } from '../access.js';
import { parseUsers, refuseFaults, type Users } from './htpasswd.js';

/** ms between two checks of the file. */
const LOOK = 1_000;
const MOST_BYTES = 16_777_216;

/** The file of users, read again when it changes. */
export class UserFile {
  #users: Users | null = null;
  #version = '';
  #lookedAt = -Infinity;
  #looking: Promise<void> | null = null;

  /** @param now ms on a monotonic clock */
  constructor(
    private readonly path: string,
    private readonly log: Logger,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @throws InvalidError naming the malformed lines; LoginUnavailable for an unreadable file */
  async start(): Promise<void> {
    refuseFaults(this.path, await this.users());
  }

  /**
   * The users, at most a second old. A malformed line is ignored and logged once.
   * @throws LoginUnavailable when the file is unreadable: all logins are refused
   */
  async users(): Promise<Users> {
    if (this.now() - this.#lookedAt >= LOOK) {
      this.#looking ??= this.#look().finally(() => (this.#looking = null));
      await this.#looking;
    }
    if (!this.#users) throw new LoginUnavailable('The file of users cannot be read.', 5);
    return this.#users;
  }

  async #look(): Promise<void> {
    try {
      // Without O_NONBLOCK, opening a pipe would block.
      const file = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const found = await file.stat({ bigint: true });
        if (!found.isFile()) throw new Error('it is no file');
        const { mtimeNs, ctimeNs, size, ino } = found;
        const version = `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
        if (version !== this.#version || !this.#users) {
          if (size > MOST_BYTES) throw new Error('it is too large');
          const again = this.#version !== '';
          this.#users = parseUsers(await file.readFile('utf8'));
          this.#version = version;
          if (again) this.#tell(this.#users);
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      if (this.#users || this.#version === '') {
        this.log.error({ file: this.path, error: messageOf(error) }, 'the file of users cannot be read');
      }
      this.#users = null;
      this.#version = 'unread';
    }
    this.#lookedAt = this.now();
  }

  #tell({ hashes, faults }: Users): void {
    if (faults.length > 0) {
      this.log.error({ file: this.path, faults }, 'the file of users has faults; these lines do not count');
    }
    this.log.info({ file: this.path, users: hashes.size }, 'the file of users was read again');
  }
}
