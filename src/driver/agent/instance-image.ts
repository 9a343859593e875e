import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DeploySettings } from '../../config/section/deploy.js';
import { InvalidError } from '../../domain/errors.js';
import { type ImageKind, imageKind } from '../../domain/image/instance-image.js';
import { parseImageReference } from '../../domain/image/reference.js';
import { isAbsent, type Json, type JsonObject } from '../../domain/json.js';
import type { ProxySettings } from '../../domain/network/proxy-rule.js';
import { unguessable } from '../../persistence/published-file/publication.js';
import { encodeFetchRules, FETCH_RULES, type FetchRules } from '../../protocol/agent/fetch-rules.js';
import { buildConfigDrive } from '../../protocol/configdrive/config-drive.js';
import { formatFacts, writtenAs } from '../../protocol/image-format/formats.js';
import { bootOptionOf } from '../capabilities.js';
import type { DriverContext, DriverNode } from '../contract/context.js';
import { changedInternal, internalOf } from '../contract/internal-info.js';
import type { PublishedFiles } from '../pxe/network-boot.js';
import {
  type FileSystemLook,
  inspectPartitionImage,
  partitionArguments,
  requireBootParts,
  validatePartitionImage,
} from './partition-image.js';

export interface ImageChecksum {
  algo: string;
  value: string;
}

/** The part of the image service that this room uses. */
export interface InstanceImageSource extends FileSystemLook {
  /** @throws InvalidError naming the field */
  validate(instanceInfo: JsonObject): void;
  resolve(
    ref: string,
    fields: JsonObject,
    options: { signal: AbortSignal; proxy?: ProxySettings },
  ): Promise<{
    href: string;
    size: number | undefined;
    disk_format: string | undefined;
    checksum: ImageChecksum | undefined;
    whole_disk: boolean;
    kernel_id?: string;
    ramdisk_id?: string;
  }>;
  /** For an image that the agent fetches itself. @throws FerricError image-refused, image-unavailable */
  checkKind(
    ref: string,
    options: {
      size: number;
      disk_format: string;
      kind: ImageKind;
      signal: AbortSignal;
      proxy?: ProxySettings;
    },
  ): Promise<void>;
  fetchTo(
    ref: string,
    target: string,
    options: {
      checksum?: ImageChecksum;
      disk_format?: string;
      kind?: ImageKind;
      force_raw?: boolean;
      signal: AbortSignal;
      proxy?: ProxySettings;
      waiter?: string;
    },
  ): Promise<{ size: number; sha256: string; disk_format: string }>;
}

export interface InstanceImageParts {
  images: InstanceImageSource;
  published: PublishedFiles;
  /** Host name of this conductor. */
  host: string;
  settings: DeploySettings;
  /** Directory of the HTTP boot server, and its base URL as machines see it. */
  httpRoot: string;
  httpUrl: () => string;
  /** Addresses that users' URLs may reach, for agents that check them; read at each deployment. */
  addresses?: () => FetchRules['addresses'];
  /** PEM: private authorities of image servers, for the same agents. */
  authorities?: string;
}

/** A node's instance image: from instance_info to the arguments of the agent's write_image. */
export class InstanceImage {
  constructor(private readonly parts: InstanceImageParts) {}

  /** @throws InvalidError naming every fault */
  validate(node: DriverNode): void {
    const { image_source } = node.instance_info;
    if (isAbsent(image_source)) {
      throw new InvalidError(
        `Node ${node.uuid} failed to validate deploy image info. Some parameters were missing. Missing are: ['instance_info.image_source']`,
      );
    }
    this.parts.images.validate(node.instance_info);
    if (imageKind(node.instance_info) === 'partition') validatePartitionImage(node, this.parts.settings);
    checkConfigDrive(node.instance_info['configdrive']);
    this.downloadSource(node);
  }

  /**
   * Decides where the agent gets the image, fetches it where the conductor serves it, and saves both: image_url in
   * instance_info, as Ironic does, the rest in driver_internal_info. The user's image fields stay as they are for a
   * rebuild.
   */
  async prepare(context: DriverContext): Promise<void> {
    const { images, settings, httpRoot, httpUrl } = this.parts;
    const { node, signal } = context;
    const source = String(node.instance_info['image_source']);
    const proxy = ownProxyOf(node);
    const resolved = await context.untimed(() =>
      images.resolve(source, node.instance_info, { signal, ...proxy }),
    );
    const partition = !resolved.whole_disk;
    // The image's kind may have become known only now, from the Image service.
    if (partition) validatePartitionImage(node, settings);
    const reference = parseImageReference(source, 'image_source');
    // An agent that does not know the format cannot stream the image to the disk: the conductor detects it.
    // The file system of a partition image is inspected before the machine is touched; some formats hide the disk
    // until they are unpacked.
    const served =
      partition ||
      reference.kind !== 'http' ||
      this.downloadSource(node) === 'local' ||
      resolved.disk_format === undefined ||
      // An unknown size is known once the image is downloaded.
      resolved.size === undefined ||
      !formatFacts(resolved.disk_format)?.seen;
    let image: JsonObject;
    let url: string;
    if (served) {
      const { checksum, disk_format } = resolved;
      // The name is unguessable: whoever knew it could fetch the image.
      const url_token = unguessable();
      const name = this.nameOf(node, url_token);
      await this.remove(node);
      // The database row precedes the file, so the sweep finds the file after a crash.
      await this.announce(context, name);
      const options = {
        ...(checksum ? { checksum } : {}),
        ...(disk_format === undefined ? {} : { disk_format }),
        kind: partition ? 'partition' : 'whole-disk',
        // A raw image streams into its partition, however little memory the machine has.
        ...(partition ? { force_raw: true } : {}),
        signal,
        ...proxy,
        waiter: `node ${node.uuid}`,
      } as const;
      const fetched = await context.untimed(() => images.fetchTo(source, join(httpRoot, name), options));
      if (partition) await this.inspect(context, join(httpRoot, name), fetched.size);
      url = `${httpUrl().replace(/\/$/, '')}/${name}`;
      image = {
        disk_format: writtenAs(fetched.disk_format),
        os_hash_algo: 'sha256',
        os_hash_value: fetched.sha256,
        size: fetched.size,
        served: true,
        url_token,
      };
    } else {
      if (!resolved.checksum) throw new InvalidError('image_source has no checksum.');
      const { disk_format } = resolved;
      const size = resolved.size!;
      await images.checkKind(source, {
        size,
        disk_format: disk_format!,
        kind: 'whole-disk',
        signal,
        ...proxy,
      });
      url = resolved.href;
      image = {
        disk_format: writtenAs(resolved.disk_format!),
        os_hash_algo: resolved.checksum.algo,
        os_hash_value: resolved.checksum.value,
        size,
        served: false,
      };
    }
    context.log.info(
      { served, size: image['size'], format: image['disk_format'] },
      'the instance image is ready',
    );
    await context.save({
      instance_info: {
        ...node.instance_info,
        image_url: url,
        image_type: partition ? 'partition' : 'whole-disk',
      },
      driver_internal_info: changedInternal(node, {
        is_whole_disk_image: !partition,
        instance_boot: partition ? bootParts(node, resolved) : undefined,
        deploy_image: { ...image, stream: settings.stream_raw_images },
      }),
    });
  }

  /** Lets the machine fetch the image that the conductor serves, until the deployment ends. */
  async publish(context: DriverContext): Promise<void> {
    const { node } = context;
    const { served, url_token } = deployImage(node);
    if (served !== true) return;
    if (typeof url_token !== 'string') throw new InvalidError('The instance image was not prepared.');
    await this.announce(context, this.nameOf(node, url_token));
  }

  /** The arguments of the agent's write_image (ironic_python_agent/extensions/standby.py). */
  writeArguments(context: DriverContext): JsonObject {
    const { node } = context;
    const image = deployImage(node);
    const url = node.instance_info['image_url'];
    if (typeof url !== 'string' || typeof image['os_hash_value'] !== 'string') {
      throw new InvalidError('The instance image was not prepared.');
    }
    const configdrive = configDriveOf(node);
    const image_info: JsonObject = {
      id: String(node.instance_info['image_source']).split('/').at(-1)!,
      urls: [url],
      disk_format: image['disk_format'] ?? null,
      container_format: 'bare',
      stream_raw_images: image['stream'] ?? true,
      os_hash_algo: image['os_hash_algo']!,
      os_hash_value: image['os_hash_value'],
      node_uuid: node.uuid,
      // Agents before 9.0 read this key.
      ...(image['os_hash_algo'] === 'md5' ? { checksum: image['os_hash_value'] } : {}),
      ...(image['served'] === true ? {} : proxiesOf(node)),
      ...(configdrive === null ? {} : { configdrive }),
      ...this.fetchRules(image['served'] === true ? [url] : []),
      ...(internalOf(node).is_whole_disk_image === false
        ? partitionArguments(node, this.parts.settings)
        : {}),
    };
    return { image_info, configdrive };
  }

  private fetchRules(trusted: readonly string[]): JsonObject {
    const { addresses, authorities } = this.parts;
    if (!addresses) return {};
    const rules = { addresses: addresses(), trusted, ...(authorities === undefined ? {} : { authorities }) };
    return { [FETCH_RULES]: encodeFetchRules(rules) };
  }

  private async announce(context: DriverContext, name: string): Promise<void> {
    const { published, host, httpRoot } = this.parts;
    await context.fence(5_000);
    await published.publish({
      node_uuid: context.node.uuid,
      publisher: 'image',
      life: 'operation',
      conductor: host,
      files: [{ service: 'http', name, content: { kind: 'file', path: join(httpRoot, name) } }],
    });
  }

  private async inspect(context: DriverContext, path: string, size: number): Promise<void> {
    const { images, settings } = this.parts;
    try {
      await context.untimed(() => inspectPartitionImage(context, { path, size }, settings, images));
    } catch (error) {
      await this.remove(context.node);
      throw error;
    }
  }

  /** Removes the image that the conductor serves. */
  async remove(node: DriverNode): Promise<void> {
    await this.parts.published.withdraw(node.uuid, 'image');
    await rm(join(this.parts.httpRoot, this.folderOf(node)), { recursive: true, force: true });
  }

  private folderOf(node: DriverNode): string {
    return `${this.parts.settings.http_image_subdir}/${node.uuid}`;
  }

  private nameOf(node: DriverNode, token: string): string {
    return `${this.folderOf(node)}/${token}`;
  }

  private downloadSource(node: DriverNode): 'http' | 'local' {
    const value = node.instance_info['image_download_source'] ?? node.driver_info['image_download_source'];
    if (isAbsent(value)) return this.parts.settings.image_download_source;
    if (value === 'http' || value === 'local') return value;
    throw new InvalidError('image_download_source must be http or local');
  }
}

/** The instance's kernel and ramdisk: the user's, else the Image service's. @throws InvalidError for netboot without */
function bootParts(node: DriverNode, resolved: { kernel_id?: string; ramdisk_id?: string }): JsonObject {
  const kernel = node.instance_info['kernel'] ?? resolved.kernel_id ?? null;
  const ramdisk = node.instance_info['ramdisk'] ?? resolved.ramdisk_id ?? null;
  if (bootOptionOf(node) === 'netboot') {
    requireBootParts(String(node.instance_info['image_source']), { kernel, ramdisk });
  }
  return { kernel, ramdisk };
}

function deployImage(node: DriverNode): JsonObject {
  return internalOf(node).deploy_image ?? {};
}

/** The node's proxies for images that the agent fetches itself, as write_image takes them. */
function proxiesOf(node: DriverNode): JsonObject {
  const { image_http_proxy, image_https_proxy, image_no_proxy } = node.driver_info;
  const proxies: JsonObject = {
    ...(isAbsent(image_http_proxy) ? {} : { http: image_http_proxy }),
    ...(isAbsent(image_https_proxy) ? {} : { https: image_https_proxy }),
  };
  if (Object.keys(proxies).length === 0) return {};
  return { proxies, ...(isAbsent(image_no_proxy) ? {} : { no_proxy: image_no_proxy }) };
}

/** The same for the conductor's own downloads for this node: the node's proxies replace the daemon's. */
function ownProxyOf(node: DriverNode): { proxy?: ProxySettings } {
  const text = (value: Json | undefined) => (typeof value === 'string' && value !== '' ? value : undefined);
  const http = text(node.driver_info['image_http_proxy']);
  const https = text(node.driver_info['image_https_proxy']);
  const no = text(node.driver_info['image_no_proxy']);
  if (http === undefined && https === undefined) return {};
  return {
    proxy: {
      ...(http === undefined ? {} : { http }),
      ...(https === undefined ? {} : { https }),
      ...(no === undefined ? {} : { no }),
    },
  };
}

/** What the agent accepts: base64 of a gzipped volume, or its URL. A volume is built here from an object. */
function configDriveOf(node: DriverNode): string | null {
  const drive = node.instance_info['configdrive'];
  if (isAbsent(drive)) return null;
  if (typeof drive === 'string') return drive;
  const volume = buildConfigDrive(drive as JsonObject, { uuid: node.uuid, name: node.name }, Date.now());
  return gzipSync(volume).toString('base64');
}

/** @throws InvalidError */
function checkConfigDrive(drive: Json | undefined): void {
  if (isAbsent(drive)) return;
  if (typeof drive === 'string') {
    if (/^https?:\/\/\S+$/.test(drive) || !/[^A-Za-z0-9+/=\s]/.test(drive)) return;
    throw new InvalidError('instance_info.configdrive must be a URL, or base64 of a gzipped volume');
  }
  if (typeof drive !== 'object' || Array.isArray(drive)) {
    throw new InvalidError('instance_info.configdrive must be a text or an object');
  }
  const unknown = Object.keys(drive as JsonObject).filter(
    (key) => !['meta_data', 'network_data', 'user_data', 'vendor_data'].includes(key),
  );
  if (unknown.length > 0) throw new InvalidError(`instance_info.configdrive has no ${unknown.join(', ')}`);
}
