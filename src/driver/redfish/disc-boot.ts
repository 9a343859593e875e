import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidError } from '../../domain/errors.js';
import { isAbsent, type Json } from '../../domain/json.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import { type Content, type Publication, unguessable } from '../../persistence/published-file/publication.js';
import { authorityFiles } from '../../protocol/agent/authority-files.js';
import { type BootWord, bootMac, bootWords, kernelParameter } from '../../protocol/ipxe/boot-text.js';
import { isPersistent } from '../boot-persistence.js';
import { bootModeOf, livesInMemory } from '../capabilities.js';
import type { BootInterface, BootTarget, RamdiskKind } from '../contract/boot.js';
import type { DriverContext, DriverNode, ReadContext } from '../contract/context.js';
import { Faults } from '../contract/faults.js';
import type { PropertyTable } from '../contract/implementation.js';
import { instanceBoot, refuse } from '../pxe/instance-boot.js';
import { MemoryBoot } from '../pxe/memory-boot.js';
import type { BootImages, PublishedFiles } from '../pxe/network-boot.js';
import type { BootMedia } from './boot-media.js';
import { publishedBase } from './published-base.js';

const PARTS = {
  deploy: { kernel: 'deploy_kernel', ramdisk: 'deploy_ramdisk', iso: 'deploy_iso' },
  rescue: { kernel: 'rescue_kernel', ramdisk: 'rescue_ramdisk', iso: 'rescue_iso' },
} as const satisfies Record<RamdiskKind, Record<string, string>>;
type Part = (typeof PARTS)[RamdiskKind]['kernel' | 'ramdisk'];

const PROPERTIES: PropertyTable = {
  deploy_kernel: 'URL or image id with the kernel of the deploy ramdisk. Required if deploy_iso is not set.',
  deploy_ramdisk: 'URL or image id with the deploy ramdisk. Required if deploy_iso is not set.',
  deploy_iso:
    'URL or image id with the deploy ramdisk as a bootable ISO, in place of a kernel and a ramdisk.',
  rescue_kernel:
    'URL or image id with the kernel of the rescue ramdisk. Required for rescue if rescue_iso is not set.',
  rescue_ramdisk: 'URL or image id with the rescue ramdisk. Required for rescue if rescue_iso is not set.',
  rescue_iso: 'URL or image id with the rescue ramdisk as a bootable ISO.',
  bootloader:
    'URL or image id with a FAT image of EFI boot loaders, in place of the configured ones. Optional.',
  kernel_append_params:
    'Additional kernel parameters for the ramdisk. Overrides the pxe.kernel_append_params configuration option, use %default% to insert its value. Optional.',
  external_http_url:
    'Base URL of published images as the BMC or the firmware sees it, in place of the boot HTTP server’s. Optional.',
};

/** ms that a BMC may take to insert a medium, including its own download, and to eject it. */
const DELIVER = 600_000;
const TAKE_BACK = 60_000;
const PUBLISH = 10_000;

/** How a machine gets the disc that it boots from. */
export interface DiscDelivery {
  /** false: only the firmware reads the disc, and its system does not see it. */
  readonly isDrive: boolean;
  /** Boot modes of machines that can boot so. */
  readonly modes: readonly BootMode[];
  /** Checks fields of driver_info, and what is known of the BMC without asking it. @throws InvalidError */
  validate(context: ReadContext): void;
  /** Asks the BMC, before anything is laid out. @throws UnsupportedError if the machine cannot boot so */
  check(context: DriverContext): Promise<void>;
  /** Who fetches the disc. @throws InvalidError */
  readers(context: ReadContext): Promise<NonNullable<Publication['readers']>>;
  /**
   * Delivers the disc, which is published at this URL.
   * @returns what the machine is to start from @throws FerricError bmc-failed, unsupported
   */
  deliver(context: DriverContext, url: string): Promise<Pick<BootTarget, 'device' | 'uri'>>;
  /** Takes every disc back. Idempotent. */
  withdraw(context: DriverContext): Promise<void>;
  /** A sentence for a disc of which nothing was fetched. @param server base URL of the published files */
  unread(server: string): string;
}

export interface DiscBootParts {
  name: 'redfish-virtual-media' | 'redfish-https';
  delivery: DiscDelivery;
  media: Pick<BootMedia, 'disc'>;
  images: BootImages;
  published: PublishedFiles & {
    /** Bytes that were fetched; null: nothing is published. */
    fetchedOf(node_uuid: string, publisher: 'boot'): Promise<number | null>;
  };
  /** ms after a machine's start in which something of its disc must have been read: boot_media.unread_timeout. */
  unreadTimeout: number;
  /** Host name of this conductor. */
  host: string;
  /** Directory that the boot HTTP server serves. */
  root: string;
  /** Its base URL, as BMCs see it; read when it is needed. */
  url: () => string;
  /** pxe.kernel_append_params */
  appended: string;
  /** PEM: authorities of the agents' API beside the system's; undefined: none. */
  apiAuthorities?: string | undefined;
  defaultBootMode: BootMode;
  /** conductor.deploy_kernel and the like: defaults of nodes that name none. */
  defaults: Readonly<Record<Part, string | null>>;
}

/**
 * Boot interfaces `redfish-virtual-media` and `redfish-https`: a disc with the ramdisk, its agent's token and the node's
 * static addresses, in a drive of the BMC or behind a URL that the firmware boots from (Ironic:
 * drivers/modules/redfish/boot.py). The machine's own network needs no boot service of ours.
 */
export class DiscBoot implements BootInterface {
  readonly name: string;
  readonly properties = PROPERTIES;
  readonly handsParameters = true;
  readonly inMemory: MemoryBoot;
  readonly fetching: NonNullable<BootInterface['fetching']>;

  constructor(private readonly parts: DiscBootParts) {
    this.name = parts.name;
    this.fetching = { timeout: parts.unreadTimeout, fault: (context) => this.unread(context) };
    this.inMemory = new MemoryBoot({
      name: parts.name,
      images: parts.images,
      startsIso: true,
      appended: parts.appended,
    });
  }

  async validate(context: ReadContext): Promise<void> {
    const { node } = context;
    const faults = new Faults();
    faults.attempt(() => this.parts.delivery.validate(context));
    this.checkParts(node, 'deploy', faults);
    faults.attempt(() => void this.appendParameters(node));
    faults.attempt(() => void this.modeOf(node));
    faults.attempt(() => void this.baseUrl(node));
    faults.throwAny();
  }

  async validateRescue({ node }: ReadContext): Promise<void> {
    const faults = new Faults();
    this.checkParts(node, 'rescue', faults);
    faults.throwAny();
  }

  async prepareRamdisk(
    context: DriverContext,
    kernelParameters: Readonly<Record<string, string>>,
    which: RamdiskKind = 'deploy',
  ): Promise<BootTarget> {
    await this.validate(context);
    if (which === 'rescue') await this.validateRescue(context);
    const { node } = context;
    await this.parts.delivery.check(context);
    const how = { persistent: isPersistent(node, 'ramdisk'), mode: this.modeOf(node) };
    const iso = node.driver_info[PARTS[which].iso];
    if (!isAbsent(iso)) {
      // The operator's disc cannot carry the node's data: its agent gets a token by lookup.
      const disc = await this.wholeDisc(context, String(iso));
      return { ...(await this.deliver(context, disc, 'operation')), ...how };
    }
    const agentToken = randomBytes(32).toString('base64url');
    const parameters = refuse(() => [
      ...this.appendParameters(node),
      ...ownWords(context),
      ...Object.entries(kernelParameters).map(([key, value]) => kernelParameter(key, value)),
      kernelParameter('ipa-agent-token', agentToken),
    ]);
    const references = {
      kernel: this.requiredReference(node, PARTS[which].kernel),
      ramdisk: this.requiredReference(node, PARTS[which].ramdisk),
    };
    const disc = await this.builtDisc(context, references, parameters, true);
    return { ...(await this.deliver(context, disc, 'operation')), ...how, agentToken };
  }

  private async unread({ node }: ReadContext): Promise<string | undefined> {
    const fetched = await this.parts.published.fetchedOf(node.uuid, 'boot');
    if (fetched === null || fetched > 0) return undefined;
    return this.parts.delivery.unread(this.baseUrl(node));
  }

  async cleanUpRamdisk(context: DriverContext): Promise<void> {
    await this.withdraw(context);
  }

  async prepareInstance(context: DriverContext): Promise<BootTarget> {
    const { node } = context;
    const mode = this.modeOf(node);
    const persistent = isPersistent(node, 'instance');
    if (!livesInMemory(node)) {
      await this.withdraw(context);
      return { device: 'disk', persistent, mode };
    }
    await this.parts.delivery.check(context);
    const boot = instanceBoot(node, this.parts.appended);
    const disc =
      'parameters' in boot
        ? await this.builtDisc(context, boot.files, boot.parameters, false)
        : await this.wholeDisc(context, boot.files.boot_iso);
    return { ...(await this.deliver(context, disc, 'node')), persistent, mode };
  }

  async cleanUpInstance(context: DriverContext): Promise<void> {
    await this.withdraw(context);
  }

  private async wholeDisc(context: DriverContext, reference: string): Promise<Content> {
    return { kind: 'file', path: await this.fetch(context, reference, 'disc.iso') };
  }

  private async builtDisc(
    context: DriverContext,
    references: { kernel: string; ramdisk: string },
    parameters: readonly BootWord[],
    ofRamdisk: boolean,
  ): Promise<Content> {
    const { node } = context;
    const { bootloader } = node.driver_info;
    const [kernel, ramdisk, efiVolume] = await Promise.all([
      this.fetch(context, references.kernel, 'kernel'),
      this.fetch(context, references.ramdisk, 'ramdisk'),
      isAbsent(bootloader) ? undefined : this.fetch(context, String(bootloader), 'bootloader'),
    ]);
    const segments = await this.parts.media.disc({
      mode: this.modeOf(node),
      kernel,
      ramdisk,
      parameters,
      files: ofRamdisk ? this.ramdiskFiles(node) : new Map(),
      told: !ofRamdisk ? 'none' : this.parts.delivery.isDrive ? 'on-disc' : 'in-memory',
      ...(efiVolume === undefined ? {} : { efiVolume }),
    });
    return { kind: 'generated', segments };
  }

  private ramdiskFiles(node: DriverNode): Map<string, Uint8Array> {
    const { apiAuthorities } = this.parts;
    return new Map([
      ...networkFiles(node),
      ...(apiAuthorities === undefined ? [] : authorityFiles(apiAuthorities)),
    ]);
  }

  private async fetch(context: DriverContext, reference: string, name: string): Promise<string> {
    const target = join(this.folder(context.node), name);
    await context.untimed(() =>
      this.parts.images.fetchTo(reference, target, {
        opaque: true,
        signal: context.signal,
        waiter: `node ${context.node.uuid}`,
      }),
    );
    return target;
  }

  /** Publishes the disc before the BMC is told of it, readable by nobody but whoever boots from it. */
  private async deliver(
    context: DriverContext,
    content: Content,
    life: 'operation' | 'node',
  ): Promise<Pick<BootTarget, 'device' | 'uri'>> {
    const { published, host, delivery } = this.parts;
    const { node } = context;
    const readers = await delivery.readers(context);
    const name = `${unguessable()}.iso`;
    await context.fence(PUBLISH);
    await published.publish({
      node_uuid: node.uuid,
      publisher: 'boot',
      life,
      conductor: host,
      readers,
      files: [{ service: 'http', name, content }],
    });
    await context.fence(DELIVER);
    return delivery.deliver(context, `${this.baseUrl(node)}/${name}`);
  }

  /** Takes the disc back first: a BMC that reads a disc on demand would lose it in use. */
  private async withdraw(context: DriverContext): Promise<void> {
    const { published, delivery } = this.parts;
    const { node } = context;
    await context.fence(TAKE_BACK);
    try {
      await delivery.withdraw(context);
    } finally {
      await published.withdraw(node.uuid, 'boot');
      await rm(this.folder(node), { recursive: true, force: true });
    }
  }

  private folder(node: DriverNode): string {
    return join(this.parts.root, node.uuid, 'media');
  }

  private checkParts(node: DriverNode, which: RamdiskKind, faults: Faults): void {
    const { images } = this.parts;
    const { kernel, ramdisk, iso } = PARTS[which];
    const check = (reference: Json | undefined, field: string) =>
      faults.attempt(() => images.validateReference(reference, `driver_info.${field}`));
    if (!isAbsent(node.driver_info[iso])) {
      check(node.driver_info[iso], iso);
      return;
    }
    const missing = [kernel, ramdisk].filter((part) => this.referenceOf(node, part) === undefined);
    if (missing.length > 0) {
      faults.add(
        `Some parameters were missing in node's driver_info. Missing are: [${missing.map((part) => `'${part}'`).join(', ')}]; ` +
          `driver_info.${iso} can stand for both.`,
      );
    }
    for (const part of [kernel, ramdisk]) {
      const reference = this.referenceOf(node, part);
      if (reference !== undefined) check(reference, part);
    }
    const { bootloader } = node.driver_info;
    if (!isAbsent(bootloader)) check(bootloader, 'bootloader');
  }

  private referenceOf(node: DriverNode, part: Part): string | undefined {
    const own = node.driver_info[part];
    if (isAbsent(own)) return this.parts.defaults[part] ?? undefined;
    return typeof own === 'string' ? own : JSON.stringify(own);
  }

  /** @throws InvalidError for a node without it, which validate has refused already */
  private requiredReference(node: DriverNode, part: Part): string {
    const reference = this.referenceOf(node, part);
    if (reference === undefined) throw new InvalidError(`driver_info.${part} is missing`);
    return reference;
  }

  /** Only driver_info counts: users who may set instance_info must not control the ramdisk. */
  private appendParameters(node: DriverNode): BootWord[] {
    const own = node.driver_info['kernel_append_params'];
    const { appended } = this.parts;
    if (isAbsent(own)) return refuse(() => bootWords(appended, 'pxe.kernel_append_params'));
    if (typeof own !== 'string') throw new InvalidError('driver_info.kernel_append_params must be a text');
    return refuse(() => bootWords(own.replaceAll('%default%', appended), 'driver_info.kernel_append_params'));
  }

  private baseUrl(node: DriverNode): string {
    return publishedBase(node, this.parts.url);
  }

  private modeOf(node: DriverNode): BootMode {
    const mode = bootModeOf(node, this.parts.defaultBootMode);
    if (!mode) throw new InvalidError('capabilities: boot_mode must be bios or uefi');
    if (this.parts.delivery.modes.includes(mode)) return mode;
    throw new InvalidError(`boot interface ${this.name} boots no machine of mode ${mode}`);
  }
}

/** Adds BOOTIF for a machine with a single bootable port: no boot loader adds it here. */
function ownWords(context: ReadContext): BootWord[] {
  const words = ['selinux=0', 'troubleshoot=0', 'text'].flatMap((word) =>
    bootWords(word, 'kernel parameter'),
  );
  const [port, ...others] = context.ports.filter(({ pxe_enabled }) => pxe_enabled);
  if (!port || others.length > 0) return words;
  return [...words, kernelParameter('BOOTIF', bootMac(port.address, 'port address'))];
}

/** Static addresses in OpenStack's format, if the node has any. */
function networkFiles(node: DriverNode): Map<string, Uint8Array> {
  const { network_data } = node;
  if (Object.keys(network_data).length === 0) return new Map();
  return new Map([
    ['openstack/latest/network_data.json', new TextEncoder().encode(JSON.stringify(network_data))],
  ]);
}
