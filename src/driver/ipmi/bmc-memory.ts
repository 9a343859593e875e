import { createHmac, randomBytes } from 'node:crypto';
import type { BmcTarget } from './arguments.js';
import type { IpmiFault } from './link.js';

/** What was learned of one BMC. Nothing of it outlives the process. */
interface Known {
  /** It needed the long response timeout last time. */
  slow: boolean;
  /** Runs of ipmitool in a row to which not one packet came back. */
  silences: number;
  /** The cipher suite that it took: a BMC that does not tell its suites costs a timeout a command. */
  suite: number | undefined;
  /** Runs in a row in which it did not tell its suites. */
  untold: number;
  /** A login that it refused. */
  refusal: { credentials: string; fault: IpmiFault } | undefined;
}

const UNKNOWN: Readonly<Known> = {
  slow: false,
  silences: 0,
  suite: undefined,
  untold: 0,
  refusal: undefined,
};

const MOST = 50_000;

/** What is worth knowing of BMCs between two commands, by BMC. */
export class BmcMemory {
  private readonly bmcs = new Map<string, Known>();
  /** A fingerprint of credentials is worth nothing outside of this process. */
  private readonly secret = randomBytes(32);

  of(key: string): Readonly<Known> {
    return this.bmcs.get(key) ?? UNKNOWN;
  }

  learn(key: string, changes: Partial<Known>): void {
    this.bmcs.set(key, { ...this.of(key), ...changes });
    if (this.bmcs.size <= MOST) return;
    for (const oldest of this.bmcs.keys()) {
      this.bmcs.delete(oldest);
      break;
    }
  }

  /** A session came about with it. That a BMC does not tell its suites is a fact when it happens twice: packets get lost. */
  learnSuite(key: string, seen: { suite: number; told: boolean } | undefined): void {
    if (!seen) return;
    if (seen.told) this.learn(key, { suite: seen.suite, untold: 0 });
    else {
      const untold = this.of(key).untold + 1;
      this.learn(key, { untold, ...(untold > 1 ? { suite: seen.suite } : {}) });
    }
  }

  learnRefusal(key: string, target: BmcTarget, fault: IpmiFault): void {
    this.learn(key, { refusal: { credentials: this.fingerprint(target), fault } });
  }

  /** What the BMC said to this very login. */
  refusalOf(key: string, target: BmcTarget): IpmiFault | undefined {
    const { refusal } = this.of(key);
    return refusal?.credentials === this.fingerprint(target) ? refusal.fault : undefined;
  }

  private fingerprint(target: BmcTarget): string {
    const { username, password, kgKey, privilege, protocol } = target;
    const login = JSON.stringify([username, password, kgKey && [...kgKey], privilege, protocol]);
    return createHmac('sha256', this.secret).update(login).digest('base64');
  }
}
