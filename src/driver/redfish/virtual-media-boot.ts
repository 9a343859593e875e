import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidError } from '../../domain/errors.js';
import { isAbsent, type Json } from '../../domain/json.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import { type Content, unguessable } from '../../persistence/published-file/publication.js';
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
    'Base URL of published images as the BMC sees it, in place of the boot HTTP server’s. Optional.',
};

/** ms that a BMC may take to insert a medium, including its own download, and to eject it. */
const INSERT = 600_000;
const EJECT = 60_000;
const PUBLISH = 10_000;

/** The BMC's virtual media drives. */
export interface BootDrives {
  /** Inserts a disc and verifies it. @throws FerricError bmc-failed, unsupported */
  insert(context: DriverContext, url: string): Promise<void>;
  /** Ejects every disc. Idempotent. */
  eject(context: DriverContext): Promise<void>;
  /** Addresses from which the BMC downloads. @throws InvalidError */
  addresses(context: ReadContext): Promise<readonly string[]>;
  /** Checks fields of driver_info. @throws InvalidError */
  validate(context: ReadContext): void;
}

export interface VirtualMediaBootParts {
  name: 'redfish-virtual-media';
  drives: BootDrives;
  media: Pick<BootMedia, 'disc'>;
  images: BootImages;
  published: PublishedFiles & {
    /** Bytes that were fetched; null: nothing is published. */
    fetchedOf(node_uuid: string, publisher: 'boot'): Promise<number | null>;
  };
  /** ms after a machine's start in which something of its disc must have been read: boot_media.unread_timeout. */
  patience: number;
  /** Host name of this conductor. */
  host: string;
  /** Directory that the boot HTTP server serves. */
  root: string;
  /** Its base URL, as BMCs see it; read when it is needed. */
  url: () => string;
  /** pxe.kernel_append_params */
  appended: string;
  defaultBootMode: BootMode;
  /** conductor.deploy_kernel and the like: defaults of nodes that name none. */
  defaults: Readonly<Record<Part, string | null>>;
}

/**
 * Boot interface `redfish-virtual-media`: a disc with the ramdisk, its agent's token and the node's static addresses,
 * in a drive of the BMC (Ironic: drivers/modules/redfish/boot.py). The machine's own network needs no boot service.
 */
export class VirtualMediaBoot implements BootInterface {
  readonly name: string;
  readonly properties = PROPERTIES;
  readonly handsParameters = true;
  readonly inMemory: MemoryBoot;
  readonly fetching: NonNullable<BootInterface['fetching']>;

  constructor(private readonly parts: VirtualMediaBootParts) {
    this.name = parts.name;
    this.fetching = { patience: parts.patience, fault: (context) => this.unread(context) };
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
    faults.attempt(() => this.parts.drives.validate(context));
    this.checkParts(node, 'deploy', faults);
    faults.attempt(() => void this.appendParameters(node));
    faults.attempt(() => this.modeOf(node));
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
    const mode = this.modeOf(node);
    const target: BootTarget = { device: 'cdrom', persistent: isPersistent(node, 'ramdisk'), mode };
    const iso = node.driver_info[PARTS[which].iso];
    if (!isAbsent(iso)) {
      // The operator's disc cannot carry the node's data: its agent gets a token by lookup.
      await this.insert(context, await this.wholeDisc(context, String(iso)), 'operation');
      return target;
    }
    const agentToken = randomBytes(32).toString('base64url');
    const parameters = refuse(() => [
      ...this.appendParameters(node),
      ...ownWords(context),
      ...Object.entries(kernelParameters).map(([key, value]) => kernelParameter(key, value)),
      kernelParameter('ipa-agent-token', agentToken),
    ]);
    const { kernel, ramdisk } = PARTS[which];
    const references = { kernel: this.referenceOf(node, kernel)!, ramdisk: this.referenceOf(node, ramdisk)! };
    await this.insert(context, await this.builtDisc(context, references, parameters, true), 'operation');
    return { ...target, agentToken };
  }

  private async unread({ node }: ReadContext): Promise<string | undefined> {
    const fetched = await this.parts.published.fetchedOf(node.uuid, 'boot');
    if (fetched === null || fetched > 0) return undefined;
    return (
      'The BMC says that it inserted the disc, but nothing of the disc was ever read, so the machine cannot have booted ' +
      `from it. Check that the BMC reaches ${this.baseUrl(node)}, and restart the BMC if it does.`
    );
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
    const boot = instanceBoot(node, this.parts.appended);
    const disc =
      'parameters' in boot
        ? await this.builtDisc(context, boot.files, boot.parameters, false)
        : await this.wholeDisc(context, boot.files.boot_iso);
    await this.insert(context, disc, 'node');
    return { device: 'cdrom', persistent, mode };
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
      files: ofRamdisk ? networkFiles(node) : new Map(),
      named: ofRamdisk,
      ...(efiVolume === undefined ? {} : { efiVolume }),
    });
    return { kind: 'generated', segments };
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

  /** Publishes the disc before the BMC is told to insert it, readable by the BMC only. */
  private async insert(context: DriverContext, content: Content, life: 'operation' | 'node'): Promise<void> {
    const { published, host, drives } = this.parts;
    const { node } = context;
    const addresses = await drives.addresses(context);
    const name = `${unguessable()}.iso`;
    await context.fence(PUBLISH);
    await published.publish({
      node_uuid: node.uuid,
      publisher: 'boot',
      life,
      conductor: host,
      readers: { machine: false, addresses },
      files: [{ service: 'http', name, content }],
    });
    await context.fence(INSERT);
    await drives.insert(context, `${this.baseUrl(node)}/${name}`);
  }

  /** Ejects the disc first: a BMC that reads a disc on demand would lose it in use. */
  private async withdraw(context: DriverContext): Promise<void> {
    const { published, drives } = this.parts;
    const { node } = context;
    await context.fence(EJECT);
    try {
      await drives.eject(context);
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
    if (mode) return mode;
    throw new InvalidError('capabilities: boot_mode must be bios or uefi');
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
