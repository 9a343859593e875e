import type { IpmiSettings } from '../../config/section/ipmi.js';
import type { BootFlags } from '../../protocol/ipmi/boot-flags.js';
import { bmcKey } from '../bmc/queue.js';
import { windowOf } from './bmc-calls.js';
import type { IpmitoolLink } from './ipmitool-link.js';
import { type BmcLink, type ChassisAct, IpmiError, type LinkCall } from './link.js';
import { NativeLink } from './native/native-link.js';
import type { Shadow } from './shadow.js';

/** ms for which ipmitool keeps a BMC that it reaches and the native link does not. */
const HELD = 24 * 3_600_000;
/** ms until ipmitool is tried again at a BMC that neither reached. */
const REST = 600_000;
/** Failures in a row before ipmitool is tried. */
const FAILURES = 2;
/** Share of the window that the native link has at a BMC that it has never reached: the rest is ipmitool's. */
const FIRST_SHARE = 1 / 3;
/** ms; with less time left, nothing more is tried. */
const LEAST_REST = 1_000;

interface Odd {
  /** Sessions in a row that the native link could not set up. */
  failures: number;
  /** By the clock: until then ipmitool alone speaks to the BMC. */
  heldUntil: number;
  /** Until then ipmitool is not tried. */
  restUntil: number;
}

/**
 * The link that `ipmi.link` names. `auto` is the native one, and ipmitool where that cannot speak (IPMI 1.5, bridging),
 * and for a day at a BMC on which the native one fails and ipmitool does not. A refused login is no such failure: BMCs
 * lock accounts, so it is not tried by the other way; nor is silence, nor anything after the command was sent.
 */
export class LinkChoice implements BmcLink {
  readonly name = 'IPMI';
  private readonly settings: IpmiSettings;
  private readonly native: NativeLink;
  private readonly ipmitool: IpmitoolLink;
  private readonly shadow: Shadow | undefined;
  private readonly now: () => number;
  private readonly odd = new Map<string, Odd>();
  private readonly reached = new Set<string>();

  /** @param parts.now ms; default: the clock */
  constructor(parts: {
    settings: IpmiSettings;
    native: NativeLink;
    ipmitool: IpmitoolLink;
    shadow?: Shadow;
    now?: () => number;
  }) {
    this.settings = parts.settings;
    this.native = parts.native;
    this.ipmitool = parts.ipmitool;
    this.shadow = parts.shadow;
    this.now = parts.now ?? Date.now;
  }

  async start(): Promise<string> {
    const { link, shadow_share: share } = this.settings;
    if (link === 'native' && share === 0) return this.native.start();
    const version = await this.ipmitool.start();
    return link === 'ipmitool' ? version : `${link}, ipmitool ${version}`;
  }

  async stop(): Promise<void> {
    this.shadow?.stop();
    await this.native.close();
  }

  /** BMCs that ipmitool has taken over. */
  get held(): number {
    const now = this.now();
    return [...this.odd.values()].filter(({ heldUntil }) => heldUntil > now).length;
  }

  chassisPower(call: LinkCall): Promise<'power on' | 'power off' | undefined> {
    return this.read(call, 'power state', (link, at) => link.chassisPower(at));
  }

  chassisControl(call: LinkCall, act: ChassisAct): Promise<void> {
    return this.give(call, (link, at) => link.chassisControl(at, act));
  }

  bootFlags(call: LinkCall): Promise<BootFlags | undefined> {
    return this.read(call, 'boot flags', (link, at) => link.bootFlags(at));
  }

  setBootFlags(call: LinkCall, flags: BootFlags): Promise<void> {
    return this.give(call, (link, at) => link.setBootFlags(at, flags));
  }

  setBootOption(call: LinkCall, parameter: number, value: readonly number[]): Promise<void> {
    return this.give(call, (link, at) => link.setBootOption(at, parameter, value));
  }

  raw(call: LinkCall, request: readonly number[]): Promise<Uint8Array> {
    return this.give(call, (link, at) => link.raw(at, request));
  }

  resetBmc(call: LinkCall, kind: 'warm' | 'cold'): Promise<void> {
    return this.give(call, (link, at) => link.resetBmc(at, kind));
  }

  private async read<T>(
    call: LinkCall,
    what: string,
    work: (link: BmcLink, call: LinkCall) => Promise<T>,
  ): Promise<T> {
    const value = await this.give(call, work);
    if (NativeLink.speaks(call.target)) {
      const [link, other] = this.isByNative(call)
        ? [this.native, this.ipmitool]
        : [this.ipmitool, this.native];
      this.shadow?.compare(call, what, { value, again: (at) => work(link, at) }, (at) => work(other, at));
    }
    return value;
  }

  private isByNative({ target }: LinkCall): boolean {
    const { link } = this.settings;
    if (link !== 'auto') return link === 'native';
    if (!NativeLink.speaks(target)) return false;
    return (this.odd.get(bmcKey(target))?.heldUntil ?? 0) <= this.now();
  }

  private async give<T>(call: LinkCall, work: (link: BmcLink, call: LinkCall) => Promise<T>): Promise<T> {
    if (!this.isByNative(call)) return work(this.ipmitool, call);
    if (this.settings.link === 'native') return work(this.native, call);
    const key = bmcKey(call.target);
    const window = windowOf(this.settings, call);
    const end = performance.now() + window;
    const first = this.reached.has(key) || call.once ? 1 : FIRST_SHARE;
    try {
      return await this.byNative(key, { ...call, within: window * first }, work);
    } catch (error) {
      if (!(error instanceof IpmiError)) throw error;
      const rest = { ...call, within: end - performance.now() };
      if (this.isForOther(key, error)) return this.takeOver(key, rest, work, error);
      const goesOn = first < 1 && error.fault.stage === 'session' && error.fault.passing !== undefined;
      if (!goesOn || rest.within < LEAST_REST) throw error;
      return this.byNative(key, rest, work);
    }
  }

  private async byNative<T>(
    key: string,
    call: LinkCall,
    work: (link: BmcLink, call: LinkCall) => Promise<T>,
  ): Promise<T> {
    const value = await work(this.native, call);
    this.nativeSpoke(key);
    return value;
  }

  private nativeSpoke(key: string): void {
    this.reached.add(key);
    this.odd.delete(key);
  }

  /** Whether ipmitool may be tried after that failure of the native link. */
  private isForOther(key: string, { fault }: IpmiError): boolean {
    if (fault.stage !== 'session') {
      if (fault.stage === 'refusal') this.nativeSpoke(key);
      return false;
    }
    if (fault.absent || fault.passing === 'busy' || fault.code === 'bmc-authentication' || fault.final)
      return false;
    const odd = this.oddOf(key);
    odd.failures++;
    this.odd.set(key, odd);
    if (this.now() < odd.restUntil) return false;
    return odd.failures >= FAILURES || !this.reached.has(key);
  }

  private oddOf(key: string): Odd {
    return this.odd.get(key) ?? { failures: 0, heldUntil: 0, restUntil: 0 };
  }

  private async takeOver<T>(
    key: string,
    call: LinkCall,
    work: (link: BmcLink, call: LinkCall) => Promise<T>,
    error: IpmiError,
  ): Promise<T> {
    const odd = this.oddOf(key);
    try {
      const value = await work(this.ipmitool, call);
      this.odd.set(key, { ...odd, heldUntil: this.now() + HELD });
      call.log.warn(
        { bmc: call.target.address, fault: error.fault.message },
        'ipmitool reaches this BMC and the native link does not: ipmitool speaks to it for the next 24 hours',
      );
      return value;
    } catch (second) {
      if (!(second instanceof IpmiError)) throw second;
      // Its session worked: the BMC itself refuses the command, or is busy with it.
      if (second.fault.stage !== 'session') {
        this.odd.set(key, { ...odd, heldUntil: this.now() + HELD });
        throw second;
      }
      this.odd.set(key, { ...odd, restUntil: this.now() + REST });
      throw error;
    }
  }
}
