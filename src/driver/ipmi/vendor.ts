import { InvalidError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/step/step.js';
import type { DriverContext } from '../contract/context.js';
import type { StepDeclaration } from '../contract/step.js';
import type { VendorInterface, VendorMethod } from '../contract/vendor.js';
import { IPMI_PROPERTIES, parseTarget } from './arguments.js';
import { callOf, type Ipmitool } from './ipmitool.js';

/** A byte as ipmitool reads it, decimal or hexadecimal. */
const BYTE = /^(0x[0-9a-f]{1,2}|\d{1,3})$/i;
/** An IPMI message is no longer. */
const MOST_BYTES = 255;

const base = {
  http_methods: ['POST'],
  async: true,
  attach: false,
  require_exclusive_lock: true,
} as const;

/** send_raw and bmc_reset (Ironic: ipmitool.py, VendorPassthru). */
export class IpmiVendor implements VendorInterface {
  readonly name = 'ipmitool';
  readonly properties = IPMI_PROPERTIES;
  readonly methods: Readonly<Record<string, VendorMethod>>;
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly ipmitool: Ipmitool) {
    this.methods = {
      send_raw: {
        ...base,
        description:
          "Send raw bytes to the BMC. Required argument: 'raw_bytes' - a string of raw bytes (e.g. '0x00 0x01').",
        validate: (args) => void rawBytes(args),
        run: (context, args) => this.send(context, ['raw', ...rawBytes(args)]),
      },
      bmc_reset: {
        ...base,
        description:
          "Reset the BMC. Required argument: 'warm' (Boolean) - for warm (True) or cold (False) reset.",
        run: (context, { warm }) => this.send(context, ['bmc', 'reset', isTrue(warm) ? 'warm' : 'cold']),
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
      args: { raw_bytes: { description: "a string of raw bytes (e.g. '0x00 0x01')", required: true } },
      run: async (context) => {
        await this.send(context, ['raw', ...rawBytes(context.step.args)]);
        return { is: 'done' };
      },
    };
    this.steps = [
      { ...sendRaw, kind: 'clean' },
      { ...sendRaw, kind: 'deploy' },
      { ...sendRaw, kind: 'service' },
    ];
  }

  async validate(context: DriverContext): Promise<void> {
    parseTarget(context.node.driver_info);
  }

  private async send(context: DriverContext, command: readonly string[]): Promise<Json> {
    await this.ipmitool.execute(callOf(context, command, 'control'));
    return null;
  }
}

function rawBytes({ raw_bytes: text }: JsonObject): string[] {
  if (typeof text !== 'string' || text.trim() === '')
    throw new InvalidError('Argument raw_bytes is missing.');
  const bytes = text.trim().split(/\s+/);
  if (bytes.length > MOST_BYTES || !bytes.every((byte) => BYTE.test(byte) && Number(byte) <= 255)) {
    throw new InvalidError('raw_bytes must be bytes separated by blanks, such as "0x00 0x01"');
  }
  return bytes;
}

/** Unset is warm; anything but a word for true is cold, as upstream reads it. */
function isTrue(warm: Json | undefined): boolean {
  return warm === undefined || ['1', 't', 'true', 'on', 'y', 'yes'].includes(String(warm).toLowerCase());
}
