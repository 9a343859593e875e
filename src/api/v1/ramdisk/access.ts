import { Injectable } from '@nestjs/common';
import type { Config } from '../../../config/schema.js';
import { canonicalAddress } from '../../../domain/agent/callback-url.js';
import { NotFoundError } from '../../../domain/errors.js';
import type { SourceRule } from '../../../persistence/lease/source-rule.js';
import type { Logger } from '../../../platform/logger.js';
import { RateLimit } from '../../../platform/rate-limit.js';
import { TooManyRequests } from '../../error/too-many-requests.js';

/** Inspection reports include the ramdisk's logs. */
export const MAX_INSPECTION_BODY = 16_777_216;

/** The agent listener's settings from the configuration. */
export interface RamdiskSettings {
  heartbeat_timeout: number;
  requests_per_minute: number;
  /** Rules for images that the agent applies. */
  allow_md5_checksum: boolean;
  permitted_formats: readonly string[];
  enable_bios_bootloader_install: boolean;
}

/** The agent's rules for images come from the daemon's own sections, so that both sides decide alike. */
export function ramdiskSettings({ agent, image, deploy }: Config): RamdiskSettings {
  const { heartbeat_timeout, requests_per_minute } = agent;
  const { allow_md5_checksum, permitted_formats } = image;
  const { enable_bios_bootloader_install } = deploy;
  return {
    heartbeat_timeout,
    requests_per_minute,
    allow_md5_checksum,
    permitted_formats,
    enable_bios_bootloader_install,
  };
}

/** Access control of the ramdisk's routes, which the whole provisioning network reaches without login. */
@Injectable()
export class RamdiskAccess {
  readonly #limit: RateLimit;

  constructor(
    readonly settings: RamdiskSettings,
    private readonly sources: Pick<SourceRule, 'admits' | 'admitsReport'>,
    private readonly log: Logger,
  ) {
    this.#limit = new RateLimit(settings.requests_per_minute);
  }

  /**
   * Checks a request before its body is read. The roots are open to all, and take no body.
   * @param url routed path; reports may also come from machines that are not a node yet
   * @throws TooManyRequests, NotFoundError that looks like any other miss
   */
  async admit(ip: string, url: string): Promise<void> {
    const [, of] = /^\/v1\/(lookup|heartbeat|continue_inspection)\b/.exec(url) ?? [];
    if (of === undefined) return;
    const source = this.sourceOf(ip);
    const wait = this.#limit.take(source);
    if (wait > 0) throw new TooManyRequests(wait);
    const admitted = await (of === 'continue_inspection'
      ? this.sources.admitsReport(source)
      : this.sources.admits(source));
    if (admitted) return;
    throw this.miss(
      'the address is in none of agent.allowed_networks, or DHCP gave it to no machine in this boot',
      source,
    );
  }

  /** The address in canonical form. */
  sourceOf(ip: string): string {
    return canonicalAddress(ip) ?? ip;
  }

  /** The same answer for every request that finds nothing; the reason goes to the log only. */
  miss(reason: string, source: string): NotFoundError {
    this.log.info({ source, reason }, 'a ramdisk was refused');
    return new NotFoundError('Resource could not be found.');
  }
}
