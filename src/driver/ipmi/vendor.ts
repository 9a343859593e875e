import { FerricError, InvalidError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { pause } from '../../platform/pause.js';
import type { ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import type { StepDeclaration } from '../contract/step.js';
import type { VendorInterface, VendorMethod } from '../contract/vendor.js';
import { IPMI_PROPERTIES, parseTarget } from './arguments.js';
import { type BmcLink, callOf, givenOnce, IpmiError } from './link.js';

const BYTE = /^(0x[0-9a-f]{1,2}|0[0-7]{0,3}|[1-9]\d{0,2})$/i;
/** Maximum length of an IPMI message. */
const MOST_BYTES = 255;

/** ms in which a restarting BMC becomes silent, and ms between two polls. */
const RESTART_WATCH = 15_000;
const RESTART_LOOK = 1_000;

const base = {
  http_methods: ['POST'],
  async: true,
  attach: false,
  require_exclusive_lock: true,
} as const;

/** send_raw and bmc_reset (Ironic: ipmitool.py, VendorPassthru). */
export class IpmiVendor implements VendorInterface {
  readonly name = 'ipmitool';
  readonly needs: Startable;
  readonly properties = IPMI_PROPERTIES;
  readonly methods: Readonly<Record<string, VendorMethod>>;
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly link: BmcLink) {
    this.needs = link;
    this.methods = {
      send_raw: {
        ...base,
        description:
          "Send raw bytes to the BMC. Required argument: 'raw_bytes' - a string of raw bytes (e.g. '0x00 0x01').",
        validate: (args) => void rawBytes(args),
        run: (context, args) => this.send(context, args),
      },
      bmc_reset: {
        ...base,
        description:
          "Reset the BMC. Required argument: 'warm' (Boolean) - for warm (True) or cold (False) reset.",
        run: (context, { warm }) => this.reset(context, isTrue(warm) ? 'warm' : 'cold'),
      },
    };
    const sendRaw: Omit<StepDeclaration, 'kind'> = {
      interface: 'vendor',
      name: 'send_raw',
      priority: 0,
      abortable: false,
      rerunnable: false,
      visible: true,
      requiresRamdisk: false,
      raw: true,
      args: { raw_bytes: { description: "a string of raw bytes (e.g. '0x00 0x01')", required: true } },
      run: async (context) => {
        await this.send(context, context.step.args);
        return { is: 'done' };
      },
    };
    this.steps = [
      { ...sendRaw, kind: 'clean' },
      { ...sendRaw, kind: 'deploy' },
      { ...sendRaw, kind: 'service' },
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info);
  }

  private async send(context: ReadContext, args: JsonObject): Promise<Json> {
    const request = rawBytes(args);
    await givenOnce(() => this.link.raw(callOf(context), request));
    return null;
  }

  /**
   * Sent once: a second reset would reach a BMC that starts. Only the BMC's silence distinguishes a reset from a lost
   * packet: ipmitool does not wait for the answer to a cold reset, and a BMC may begin a warm one before it answers.
   * A single silence may be a lost packet of the look itself.
   */
  private async reset(context: ReadContext, kind: 'warm' | 'cold'): Promise<Json> {
    const call = callOf(context);
    try {
      await this.link.resetBmc(call, kind);
      if (kind === 'warm') return null;
    } catch (error) {
      if (!(error instanceof IpmiError) || !error.unanswered) throw error;
    }
    const end = performance.now() + RESTART_WATCH;
    while (performance.now() < end) {
      await pause(RESTART_LOOK, context.signal);
      if (!(await this.answers(context)) && !(await this.answers(context))) return null;
    }
    throw new FerricError(
      'bmc-failed',
      `IPMI bmc reset ${kind}: the BMC ${call.target.address} still answers after ${RESTART_WATCH / 1000} s, so the command may be lost; it is not sent twice.`,
    );
  }

  private async answers(context: ReadContext): Promise<boolean> {
    try {
      await this.link.chassisPower({ ...callOf(context), once: true });
      return true;
    } catch (error) {
      if (error instanceof IpmiError) return error.fault.passing === undefined;
      throw error;
    }
  }
}

/** @throws InvalidError */
function rawBytes({ raw_bytes: text }: JsonObject): number[] {
  if (typeof text !== 'string' || text.trim() === '')
    throw new InvalidError('Argument raw_bytes is missing.');
  const bytes = text.trim().split(/\s+/).map(byteOf);
  if (bytes.length > MOST_BYTES || !bytes.every((byte) => byte <= 255)) {
    throw new InvalidError('raw_bytes must be bytes separated by blanks, such as "0x00 0x01"');
  }
  return bytes;
}

/** Numbers as in C, which ipmitool follows: hexadecimal after 0x, octal after 0, else decimal. NaN: none. */
function byteOf(word: string): number {
  if (!BYTE.test(word)) return Number.NaN;
  return /^0[0-7]+$/.test(word) ? Number.parseInt(word, 8) : Number(word);
}

/** Absent is warm; anything but a word for true is cold, as upstream reads it. */
function isTrue(warm: Json | undefined): boolean {
  return warm === undefined || ['1', 't', 'true', 'on', 'y', 'yes'].includes(String(warm).toLowerCase());
}
