import { InvalidError } from '../../domain/errors.js';
import { parseImageReference } from '../../domain/image/reference.js';
import type { InMemoryBoot } from '../contract/boot.js';
import type { DriverContext, DriverNode } from '../contract/context.js';
import { Faults } from '../contract/faults.js';
import { instanceParameters } from './instance-boot.js';

/** The part of the image service that this module uses. */
export interface MemoryImages {
  /** @throws InvalidError naming the field */
  validateReference(ref: unknown, field: string): void;
  resolve(
    ref: string,
    fields: Record<string, never>,
    options: { signal: AbortSignal },
  ): Promise<{ kernel_id?: string; ramdisk_id?: string; boot_iso_id?: string }>;
}

export interface MemoryBootParts {
  /** Name of the boot interface. */
  name: string;
  images: MemoryImages;
  /** Whether its boot loaders can start an ISO. */
  startsIso: boolean;
  /** pxe.kernel_append_params */
  appended: string;
}

type Wanted = { boot_iso: string } | { kernel: string; ramdisk: string } | { image_source: string };

/** Instances in memory: the kernel and ramdisk, or the ISO, that a node's instance_info names. */
export class MemoryBoot implements InMemoryBoot {
  constructor(private readonly its: MemoryBootParts) {}

  async validate({ node }: DriverContext): Promise<void> {
    const faults = new Faults();
    const wanted = memoryInstance(node);
    for (const [part, reference] of Object.entries(wanted)) {
      faults.attempt(() => this.its.images.validateReference(reference, `instance_info.${part}`));
    }
    if ('boot_iso' in wanted) faults.attempt(() => this.refuseIso());
    faults.attempt(() => void instanceParameters(node, this.its.appended));
    faults.throwAny();
  }

  async parts({ node, signal }: DriverContext) {
    const wanted = memoryInstance(node);
    if (!('image_source' in wanted)) return wanted;
    const source = wanted.image_source;
    const { boot_iso_id, kernel_id, ramdisk_id } = await this.its.images.resolve(source, {}, { signal });
    if (boot_iso_id !== undefined) {
      this.refuseIso();
      return { boot_iso: boot_iso_id };
    }
    if (kernel_id === undefined || ramdisk_id === undefined) throw lacking(source, { kernel_id, ramdisk_id });
    return { kernel: kernel_id, ramdisk: ramdisk_id };
  }

  private refuseIso(): void {
    if (this.its.startsIso) return;
    throw new InvalidError(
      `instance_info.boot_iso: boot interface ${this.its.name} cannot start an ISO, only a kernel and a ramdisk; ipxe can.`,
    );
  }
}

/** @throws InvalidError in Ironic's words (deploy_utils.py, get_image_instance_info and validate_image_properties) */
export function memoryInstance({ uuid, instance_info }: DriverNode): Wanted {
  const { boot_iso, image_source, kernel, ramdisk } = instance_info;
  if (boot_iso) {
    if (image_source) {
      throw new InvalidError(
        "An 'image_source' and 'boot_iso' parameter may not be specified at the same time.",
      );
    }
    return { boot_iso: text(boot_iso) };
  }
  if (kernel && ramdisk) return { kernel: text(kernel), ramdisk: text(ramdisk) };
  if (image_source && !kernel && !ramdisk) {
    // An image of the Image service may name them itself; the service is asked when the work begins.
    if (parseImageReference(image_source, 'image_source').kind === 'glance') {
      return { image_source: text(image_source) };
    }
    throw lacking(text(image_source), { kernel, ramdisk });
  }
  const missing = Object.entries({ kernel, ramdisk }).flatMap(([name, value]) =>
    value ? [] : [`'instance_info.${name}'`],
  );
  throw new InvalidError(
    `Cannot validate image information for node ${uuid} because one or more parameters are missing from its ` +
      'instance_info and insufficient information is present to boot from a remote volume. Missing are: ' +
      `[${missing.join(', ')}]; instance_info.boot_iso can stand for both.`,
  );
}

function lacking(source: string, parts: Readonly<Record<string, unknown>>): InvalidError {
  const missing = Object.keys(parts).filter((name) => !parts[name]);
  return new InvalidError(`Image ${source} is missing the following properties: ${missing.join(', ')}`);
}

/** Any value as text: validateReference reports what is wrong with it. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
