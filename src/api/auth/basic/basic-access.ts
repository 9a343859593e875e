import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AuthSettings } from '../../../config/section/auth.js';
import type { Logger } from '../../../platform/logger.js';
import { RateLimit } from '../../../platform/rate-limit.js';
import { TooManyRequests } from '../../error/too-many-requests.js';
import { Access, type Login, LoginRefused } from '../access.js';
import { BcryptThread } from './bcrypt-thread.js';
import { parseBasic } from './header.js';
import type { UserFile } from './user-file.js';

const CHALLENGE = 'Basic realm="Baremetal API"';
const MOST_REMEMBERED = 1_000;

/** Users of a file of bcrypt hashes. Every user may do everything, as with Ironic’s http_basic. */
export class BasicAccess extends Access {
  readonly #thread = new BcryptThread();
  /** Random for each process: the keys in memory are useless elsewhere. */
  readonly #salt = randomBytes(32);
  /** Verified passwords: key → expiry (ms). */
  readonly #fitted = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #perUser: RateLimit;
  readonly #perAddress: RateLimit;

  /** @param now ms on a monotonic clock */
  constructor(
    private readonly file: UserFile,
    private readonly settings: AuthSettings['http_basic'],
    private readonly log: Logger,
    private readonly now: () => number = () => performance.now(),
  ) {
    super();
    this.#perUser = new RateLimit(settings.failures_per_minute, now);
    this.#perAddress = new RateLimit(settings.failures_per_minute * 10, now);
  }

  override async login(request: IncomingMessage): Promise<Login> {
    const { authorization } = request.headers;
    if (authorization === undefined) throw new LoginRefused('Authorization required', CHALLENGE);
    const { user, password } = parseBasic(authorization);
    const { hashes, nobodys } = await this.file.users();
    // An unknown user costs the same work.
    const hash = hashes.get(user) ?? nobodys;
    const key = createHmac('sha256', this.#salt)
      .update(JSON.stringify([user, password, hash]))
      .digest('hex');
    const source = request.socket.remoteAddress ?? '';
    // A user at work does not fall in line behind the guesses of others. The key ends with the hash in the file.
    if (this.#isFresh(key)) this.#remember(key);
    else if (!(await this.#verify(key, user, password, hash, source))) {
      this.log.info({ source, user: user.slice(0, 100) }, 'a login was refused');
      throw new LoginRefused('Incorrect username or password', CHALLENGE);
    }
    return { user, project: null, subject: null };
  }

  override close(): Promise<void> {
    return this.#thread.close();
  }

  #isFresh(key: string): boolean {
    return (this.#fitted.get(key) ?? -Infinity) > this.now();
  }

  async #verify(key: string, user: string, password: string, hash: string, source: string): Promise<boolean> {
    const same = this.#underWay.get(key);
    if (same) return same;
    // Taken before the work and returned on success, so that concurrent attempts are counted too.
    const wait = this.#perUser.take(source, user) || this.#perAddress.take(source);
    if (wait > 0) throw new TooManyRequests(wait);
    const verified = this.#thread.fits(password, hash).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, verified);
    // bcrypt stops at a NUL: more than one password would match.
    const fits = (await verified) && !password.includes('\0');
    if (fits) {
      this.#perUser.giveBack(source, user);
      this.#perAddress.giveBack(source);
      this.#remember(key);
    }
    return fits;
  }

  #remember(key: string): void {
    if (this.settings.cache_seconds === 0) return;
    this.#fitted.delete(key);
    this.#fitted.set(key, this.now() + this.settings.cache_seconds * 1000);
    if (this.#fitted.size > MOST_REMEMBERED) this.#fitted.delete(this.#fitted.keys().next().value!);
  }
}
