import { createHmac, randomBytes } from 'node:crypto';
import type { BmcTarget } from './arguments.js';
import type { IpmiFault } from './link.js';

/** State learned of one BMC; lost when the process ends. */
interface Known {
  /** It needed the long response timeout in the last run. */
  slow: boolean;
  /** Consecutive runs of ipmitool without a single packet from it. */
  silences: number;
  /** The cipher suite that it accepted: a BMC that does not list its suites costs a timeout per command. */
  suite: number | undefined;
  /** Consecutive runs in which it did not list its suites. */
  unreported: number;
  /** It has accepted suite 17: a weaker one is a downgrade, which only driver_info may ask for. */
  strong: boolean;
  /** A login that it refused. */
  refusal: { credentials: string; fault: IpmiFault } | undefined;
}

const UNKNOWN: Readonly<Known> = {
  slow: false,
  silences: 0,
  suite: undefined,
  unreported: 0,
  strong: false,
  refusal: undefined,
};

const MOST = 50_000;

/** State kept of BMCs between two commands, by BMC. */
export class BmcMemory {
  private readonly bmcs: Map<string, Known>;
  /** Keys the fingerprints of credentials, which are worthless outside of this process. */
  private readonly secret: Buffer;
  private readonly learns: boolean;

  /** @param source its state is read, and not changed */
  constructor(source?: BmcMemory) {
    this.bmcs = source?.bmcs ?? new Map<string, Known>();
    this.secret = source?.secret ?? randomBytes(32);
    this.learns = !source;
  }

  of(key: string): Readonly<Known> {
    return this.bmcs.get(key) ?? UNKNOWN;
  }

  learn(key: string, changes: Partial<Known>): void {
    if (!this.learns) return;
    this.bmcs.set(key, { ...this.of(key), ...changes });
    if (this.bmcs.size <= MOST) return;
    for (const oldest of this.bmcs.keys()) {
      this.bmcs.delete(oldest);
      break;
    }
  }

  /** Called after a session was established. A missing list of suites counts only the second time: packets get lost. */
  learnSuite(key: string, seen: { suite: number; reported: boolean } | undefined): void {
    if (!seen) return;
    if (seen.reported) this.learn(key, { suite: seen.suite, unreported: 0 });
    else {
      const unreported = this.of(key).unreported + 1;
      this.learn(key, { unreported, ...(unreported > 1 ? { suite: seen.suite } : {}) });
    }
  }

  learnRefusal(key: string, target: BmcTarget, fault: IpmiFault): void {
    this.learn(key, { refusal: { credentials: this.fingerprint(target), fault } });
  }

  /** The BMC's refusal of exactly these credentials. */
  refusalOf(key: string, target: BmcTarget): IpmiFault | undefined {
    const { refusal } = this.of(key);
    return refusal?.credentials === this.fingerprint(target) ? refusal.fault : undefined;
  }

  /** Stands for the credentials of a target; without worth outside of this process. */
  fingerprint(target: BmcTarget): string {
    const { username, password, kgKey, privilege, protocol } = target;
    const login = JSON.stringify([username, password, kgKey && [...kgKey], privilege, protocol]);
    return createHmac('sha256', this.secret).update(login).digest('base64');
  }
}
