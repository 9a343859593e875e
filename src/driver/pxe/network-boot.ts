import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PxeSettings } from '../../config/section/pxe.js';
import { InvalidError } from '../../domain/errors.js';
import { isAbsent, type JsonObject } from '../../domain/json.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import type { BootPlan } from '../../persistence/boot-plan/boot-plan.repository.js';
import {
  type BootService,
  type Publication,
  type PublishedName,
  type Publisher,
  unguessable,
} from '../../persistence/published-file/publication.js';
import { writeFileAtomically } from '../../platform/write-file.js';
import { type BootWord, bootWords, kernelParameter } from '../../protocol/ipxe/boot-text.js';
import { isPersistent } from '../boot-persistence.js';
import { bootModeOf, bootOptionOf, bootsInstanceByNetwork, capabilitiesOf } from '../capabilities.js';
import type { BootInterface, BootTarget, RamdiskKind } from '../contract/boot.js';
import type { DriverContext, DriverNode, DriverPort, ReadContext } from '../contract/context.js';
import { Faults } from '../contract/faults.js';
import type { PropertyTable } from '../contract/implementation.js';
import type { Flavour } from './flavour.js';
import { instanceBoot, instanceParameters, refuse } from './instance-boot.js';
import { MemoryBoot, type MemoryImages } from './memory-boot.js';

const PARTS = {
  deploy: ['deploy_kernel', 'deploy_ramdisk'],
  rescue: ['rescue_kernel', 'rescue_ramdisk'],
} as const satisfies Record<RamdiskKind, readonly string[]>;
type Part = (typeof PARTS)[RamdiskKind][number];

/** ms that publishing may take once the files are there. */
const PUBLISH = 10_000;

const PROPERTIES: PropertyTable = {
  deploy_kernel: 'UUID (from Glance) or URL of the deployment kernel. Required.',
  deploy_ramdisk: 'UUID (from Glance) or URL of the ramdisk that is mounted at boot time. Required.',
  rescue_kernel: 'UUID (from Glance) or URL of the rescue kernel. This value is required for rescue mode.',
  rescue_ramdisk:
    'UUID (from Glance) or URL of the rescue ramdisk with agent that is used at node rescue time. This value is required for rescue mode.',
  kernel_append_params:
    'Additional kernel parameters for the deploy ramdisk. Overrides the pxe.kernel_append_params configuration option, use %default% to insert its value. Optional.',
};

/** The part of the image service that this room uses. */
export interface BootImages extends MemoryImages {
  fetchTo(
    ref: string,
    target: string,
    options: { opaque: true; signal: AbortSignal; waiter?: string },
  ): Promise<unknown>;
}

/** The part of the boot plans that this room uses. */
export interface BootPlans {
  put(plan: BootPlan): Promise<void>;
  remove(node_uuid: string): Promise<void>;
}

/** The published files, as the rooms that serve files to machines see them. */
export interface PublishedFiles {
  publish(publication: Publication): Promise<void>;
  withdraw(node_uuid: string, publisher: Publisher): Promise<void>;
  of(node_uuid: string, publisher: Publisher): Promise<PublishedName[]>;
}

export interface NetworkBootParts {
  /** `http` and `http-ipxe`: the firmware is set to UEFI HTTP boot, not to PXE. */
  name: 'ipxe' | 'pxe' | 'http-ipxe' | 'http';
  flavour: Flavour;
  /** Additional flavours for UEFI machines whose firmware boots by another service; same directory. */
  alsoUefi?: readonly Flavour[];
  /** Directory of the flavour's service: http_root or tftp_root. */
  root: string;
  plans: BootPlans;
  published: PublishedFiles;
  /** Host name of this conductor. */
  host: string;
  images: BootImages;
  settings: PxeSettings;
  defaultBootMode: BootMode;
  /** conductor.deploy_kernel and the like: defaults of nodes that name none. */
  defaults: Readonly<Record<Part, string | null>>;
}

interface BootConfig {
  service: BootService;
  name: string;
  path: string;
  text: string;
}

/**
 * Boot interfaces `ipxe`, `pxe`, `http-ipxe` and `http`: store kernel, ramdisk and configurations under the boot root in upstream's names
 * (ironic/common/pxe_utils.py), each atomically, then write the boot plan by which the servers find them.
 */
export class NetworkBoot implements BootInterface {
  readonly name: string;
  readonly properties = PROPERTIES;
  readonly inMemory: MemoryBoot;
  readonly handsParameters = true;
  private readonly device: 'pxe' | 'uefihttp';

  constructor(private readonly parts: NetworkBootParts) {
    this.name = parts.name;
    this.device = parts.name === 'http' || parts.name === 'http-ipxe' ? 'uefihttp' : 'pxe';
    this.inMemory = new MemoryBoot({
      name: this.name,
      images: parts.images,
      startsIso: parts.flavour.renderIso !== undefined,
      appended: parts.settings.kernel_append_params,
    });
  }

  async validate(context: ReadContext): Promise<void> {
    const { node } = context;
    const faults = new Faults();
    if (bootPorts(context).length === 0) {
      faults.add(`Node ${node.uuid} does not have any port associated with it that boots from the network`);
    }
    this.checkParts(node, 'deploy', faults);
    faults.attempt(() => this.appendParameters(node));
    faults.attempt(() => this.modeOf(node));
    if (bootOptionOf(node) === 'netboot') {
      faults.attempt(() => void instanceParameters(node, this.parts.settings.kernel_append_params));
    }
    for (const [field, info] of Object.entries({
      driver_info: node.driver_info,
      instance_info: node.instance_info,
    })) {
      // A template chosen by a user would make the conductor read one of its files for that user (CVE-2026-44917).
      for (const key of Object.keys(info)) {
        if (/(pxe|grub).*template/i.test(key)) faults.add(`${field}.${key} is not supported`);
      }
    }
    faults.throwAny();
  }

  async validateRescue(context: ReadContext): Promise<void> {
    const faults = new Faults();
    this.checkParts(context.node, 'rescue', faults);
    faults.throwAny();
  }

  async prepareRamdisk(
    context: DriverContext,
    kernelParameters: Readonly<Record<string, string>>,
    which: RamdiskKind = 'deploy',
  ): Promise<BootTarget> {
    await this.validate(context);
    if (which === 'rescue') await this.validateRescue(context);
    const { images } = this.parts;
    const { node } = context;
    const mode = this.modeOf(node);
    const name = partNames(node);
    const parts = PARTS[which];
    const [kernel, ramdisk] = parts;
    const parameters = refuse(() => this.commandLine(node, kernelParameters));
    const configs = this.configs(context, mode, (flavour) =>
      flavour.render(
        { kernel: flavour.locate(name(kernel)), ramdisk: flavour.locate(name(ramdisk)), parameters },
        mode,
      ),
    );
    await context.untimed(() =>
      Promise.all(
        parts.map((part) =>
          // The reference exists: validate has checked it.
          images.fetchTo(this.referenceOf(node, part)!, join(this.parts.root, name(part)), {
            opaque: true,
            signal: context.signal,
            waiter: `node ${node.uuid}`,
          }),
        ),
      ),
    );
    await this.publish(context, mode, configs, parts.map(name));
    return { device: this.device, persistent: isPersistent(node, 'ramdisk'), mode };
  }

  async cleanUpRamdisk(context: DriverContext): Promise<void> {
    await this.withdraw(context);
  }

  /**
   * An instance that starts from the network gets its own kernel and ramdisk for its lifetime; one that starts from its
   * disk gets nothing, or a script that boots the disk.
   */
  async prepareInstance(context: DriverContext): Promise<BootTarget> {
    const mode = this.modeOf(context.node);
    const persistent = isPersistent(context.node, 'instance');
    if (bootsInstanceByNetwork(context.node)) {
      await this.publishInstance(context);
      return { device: this.device, persistent, mode };
    }
    if (this.parts.settings.enable_netboot_fallback) {
      const configs = this.configs(context, mode, (flavour) => flavour.renderLocal(mode));
      await this.publish(context, mode, configs, []);
    }
    return { device: 'disk', persistent, mode };
  }

  managesInspection(context: ReadContext): boolean {
    return bootPorts(context).length > 0;
  }

  async cleanUpInstance(context: DriverContext): Promise<void> {
    await this.withdraw(context);
  }

  private checkParts(node: DriverNode, which: RamdiskKind, faults: Faults): void {
    const missing = PARTS[which].filter((part) => !this.referenceOf(node, part));
    if (missing.length > 0) {
      const names = missing.map((part) => `'${part}'`).join(', ');
      faults.add(
        `Cannot validate PXE bootloader. Some parameters were missing in node's driver_info. Missing are: [${names}]`,
      );
    }
    for (const part of PARTS[which]) {
      const reference = this.referenceOf(node, part);
      if (reference)
        faults.attempt(() => this.parts.images.validateReference(reference, `driver_info.${part}`));
    }
  }

  private async publishInstance(context: DriverContext): Promise<void> {
    const { images, root } = this.parts;
    const { node } = context;
    const mode = this.modeOf(node);
    const boot = instanceBoot(node, this.parts.settings.kernel_append_params);
    const name = partNames(node);
    const configs = this.configs(context, mode, (flavour) => {
      const locate = (part: string) => flavour.locate(name(part));
      if ('parameters' in boot) {
        const { parameters } = boot;
        return flavour.render({ kernel: locate('kernel'), ramdisk: locate('ramdisk'), parameters }, mode);
      }
      if (!flavour.renderIso) throw new InvalidError(`Boot interface ${this.name} cannot start an ISO.`);
      return flavour.renderIso(locate('boot_iso'));
    });
    await context.untimed(() =>
      Promise.all(
        Object.entries(boot.files).map(([part, reference]) =>
          images.fetchTo(reference, join(root, name(part)), { opaque: true, signal: context.signal }),
        ),
      ),
    );
    await this.publish(context, mode, configs, Object.keys(boot.files).map(name));
  }

  private flavours(mode: BootMode): Flavour[] {
    const { flavour, alsoUefi = [] } = this.parts;
    return mode === 'uefi' ? [flavour, ...alsoUefi] : [flavour];
  }

  /** The configurations of all ports and flavours. @throws InvalidError for text that cannot be in a boot script */
  private configs(
    context: DriverContext,
    mode: BootMode,
    render: (flavour: Flavour) => string,
  ): BootConfig[] {
    const { flavour, root } = this.parts;
    return refuse(() =>
      this.flavours(mode).flatMap((of) => {
        const text = render(of);
        const folder = of === flavour ? root : join(root, context.node.uuid, of.service);
        const names = bootPorts(context).flatMap((port) => of.names(port, mode));
        return names.map((name) => ({ service: of.service, name, path: join(folder, name), text }));
      }),
    );
  }

  private async publish(
    context: DriverContext,
    mode: BootMode,
    configs: readonly BootConfig[],
    images: readonly string[],
  ): Promise<void> {
    const { flavour, root, plans, published, host } = this.parts;
    const { node } = context;
    await context.fence(PUBLISH);
    if (configs[0]) await writeFileAtomically(join(root, node.uuid, 'config'), configs[0].text);
    for (const { path, text } of configs) await writeFileAtomically(path, text);
    const services = new Set(this.flavours(mode).map((of) => of.service));
    const entry = (service: BootService, name: string, path: string): PublishedName => ({
      service,
      name,
      content: { kind: 'file', path },
    });
    const files = [...services].flatMap((service) =>
      images.map((name) => entry(service, name, join(root, name))),
    );
    for (const { service, name, path } of configs) {
      if (!files.some((file) => file.service === service && file.name === name))
        files.push(entry(service, name, path));
    }
    const before = await published.of(node.uuid, 'boot');
    // The files come first: no machine may be sent to a missing one.
    await published.publish({
      node_uuid: node.uuid,
      publisher: 'boot',
      life: 'node',
      conductor: host,
      files,
    });
    await plans.put({
      node_uuid: node.uuid,
      macs: bootPorts(context).map((port) => port.address.toLowerCase()),
      kind: flavour.name,
      boot_mode: mode,
    });
    const now = pathsBelow(root, files);
    for (const path of pathsBelow(root, before)) if (!now.has(path)) await rm(path, { force: true });
  }

  /** The plan is removed first: from then on nothing is served, whatever happens to the files. */
  private async withdraw(context: DriverContext): Promise<void> {
    const { root, flavour, plans, published } = this.parts;
    const { uuid } = context.node;
    const files = await published.of(uuid, 'boot');
    await context.fence(PUBLISH);
    await plans.remove(uuid);
    await published.withdraw(uuid, 'boot');
    const names = new Set(
      context.ports
        .filter((port) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(port.address))
        .flatMap((port) => [...flavour.names(port, 'bios'), ...flavour.names(port, 'uefi')])
        .map((name) => join(root, name)),
    );
    for (const path of [...names, ...pathsBelow(root, files)]) await rm(path, { force: true });
    await rm(join(root, uuid), { recursive: true, force: true });
  }

  /** The user's parameters come first: the last of equal parameters counts, so the conductor's win. */
  private commandLine(node: DriverNode, own: Readonly<Record<string, string>>): BootWord[] {
    return [
      ...this.appendParameters(node),
      ...['selinux=0', 'troubleshoot=0', 'text'].flatMap((word) => bootWords(word, 'kernel parameter')),
      ...Object.entries(own).map(([key, value]) => kernelParameter(key, value)),
    ];
  }

  /** Only driver_info counts: users who may set instance_info must not control the ramdisk. */
  private appendParameters(node: DriverNode): BootWord[] {
    const own = node.driver_info['kernel_append_params'];
    const fallback = this.parts.settings.kernel_append_params;
    if (isAbsent(own)) return refuse(() => bootWords(fallback, 'pxe.kernel_append_params'));
    if (typeof own !== 'string') throw new InvalidError('driver_info.kernel_append_params must be a text');
    return refuse(() => bootWords(own.replaceAll('%default%', fallback), 'driver_info.kernel_append_params'));
  }

  private referenceOf(node: DriverNode, part: Part): string | undefined {
    const own: JsonObject[string] | undefined = node.driver_info[part];
    if (isAbsent(own)) return this.parts.defaults[part] ?? undefined;
    // Any value as text: validateReference reports what is wrong with it.
    return typeof own === 'string' ? own : JSON.stringify(own);
  }

  private modeOf(node: DriverNode): BootMode {
    const mode = bootModeOf(node, this.parts.defaultBootMode);
    if (mode === 'bios' && this.device === 'uefihttp')
      throw new InvalidError(
        `boot interface ${this.name} boots by UEFI HTTP boot, and no machine of mode bios`,
      );
    if (mode) return mode;
    const asked =
      capabilitiesOf(node.instance_info['capabilities'])['boot_mode'] ??
      capabilitiesOf(node.properties['capabilities'])['boot_mode'];
    throw new InvalidError(`capabilities: boot_mode must be bios or uefi, not ${JSON.stringify(asked)}`);
  }
}

/**
 * Names of kernel and ramdisk for one boot. Only the node's script names them: boot loaders request the script by MAC
 * address, everything else stands under a name that nobody can guess.
 */
function partNames({ uuid }: DriverNode): (part: string) => string {
  const folder = `${uuid}/${unguessable()}`;
  return (part) => `${folder}/${part}`;
}

/** Paths of published files below the root; a row's other paths are not this interface's to remove. */
function pathsBelow(root: string, files: readonly PublishedName[]): Set<string> {
  const paths = files.flatMap(({ content }) => (content.kind === 'file' ? [content.path] : []));
  return new Set(paths.filter((path) => path.startsWith(`${root}/`)));
}

function bootPorts(context: ReadContext): readonly DriverPort[] {
  return context.ports.filter((port) => port.pxe_enabled);
}
