import { isIP } from 'node:net';
import { InvalidError, UnsupportedError } from '../../domain/errors.js';
import type { BootTarget } from '../contract/boot.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { DiscDelivery } from './disc-boot.js';
import type { RedfishMachines } from './machine.js';
import { RedfishMedia } from './media.js';
import { parseTarget } from './target.js';

const PROTOCOLS = ['HTTP', 'HTTPS', 'NFS', 'CIFS'] as const;

/** Delivery of a disc by the virtual media drives of a BMC, which it downloads itself. */
export class RedfishBootDrives implements DiscDelivery {
  readonly isDrive = true;
  readonly modes = ['uefi', 'bios'] as const;
  private readonly media = new RedfishMedia();

  /** @param resolve addresses of a host name; empty where it has none */
  constructor(
    private readonly machines: RedfishMachines,
    private readonly resolve: (name: string, signal: AbortSignal) => Promise<string[]>,
  ) {}

  validate(context: ReadContext): void {
    parseTarget(context.node.driver_info, context.node.driver_internal_info);
    protocolOf(context);
  }

  /** The drives are looked at when the disc is inserted. */
  async check(): Promise<void> {}

  async readers(context: ReadContext) {
    return { machine: false, addresses: await this.addresses(context) };
  }

  async deliver(context: DriverContext, url: string): Promise<Pick<BootTarget, 'device'>> {
    const machine = this.machines.of(context);
    const { resource } = await machine.system();
    const { differences } = await machine.differences(resource);
    if (differences.noVirtualMediaBoot !== undefined)
      throw new UnsupportedError(differences.noVirtualMediaBoot);
    const protocol = protocolOf(context);
    await this.media.insert(machine, 'cdrom', { url, ...(protocol === undefined ? {} : { protocol }) });
    return { device: 'cdrom' };
  }

  async withdraw(context: DriverContext): Promise<void> {
    await this.media.eject(this.machines.of(context), ['cdrom']);
  }

  unread(server: string): string {
    return (
      'The BMC says that it inserted the disc, but nothing of the disc was ever read, so the machine cannot have booted ' +
      `from it. Check that the BMC reaches ${server}, and restart the BMC if it does.`
    );
  }

  /** Addresses from which the BMC downloads. @throws InvalidError */
  async addresses(context: ReadContext): Promise<readonly string[]> {
    const { address } = this.machines.of(context).caller.target;
    if (isIP(address) !== 0) return [address];
    const found = await this.resolve(address, context.signal);
    if (found.length > 0) return found;
    throw new InvalidError(
      `driver_info: redfish_address ${address} has no address, so nobody may fetch its disc`,
    );
  }
}

/** The protocol is sent only if the operator named one: some BMCs refuse the property, others require it. */
function protocolOf({ node }: ReadContext): string | undefined {
  const value = node.driver_info['vmedia_transport_protocol'];
  if (value === undefined || value === null || value === '') return undefined;
  const named = PROTOCOLS.find((one) => one === String(value).toUpperCase());
  if (named) return named;
  throw new InvalidError(`driver_info: vmedia_transport_protocol must be one of ${PROTOCOLS.join(', ')}`);
}
