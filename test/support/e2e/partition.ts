import type { Rack } from '../../../demo/rack.js';
import { sharedRoot } from '../../../demo/rack.js';
import {
  PARTITION_HELLO,
  PARTITION_UUID,
  type TinyPartition,
  tinyPartition,
} from '../../../lab/image/tiny-partition.js';
import type { LabMachine } from '../../../lab/lab.js';

const MINUTES = 60_000;

/** Start of the installed system's greeting, to the end of the line. */
export const HELLO = new RegExp(`${PARTITION_HELLO}.*\n`);

/** The tiny partition image with its kernel and ramdisk, built once. */
export async function builtPartition(format: 'raw' | 'qcow2' = 'raw'): Promise<TinyPartition> {
  return tinyPartition(sharedRoot().cache, { format });
}

/**
 * Greeting of the installed system, after the running deployment.
 * @param hello start of the greeting; default: the tiny partition image's
 */
export async function deployedHello(
  rack: Rack,
  { machine }: LabMachine,
  uuid: string,
  hello: RegExp = HELLO,
): Promise<string> {
  const since = machine.console.position;
  await rack.api.waitForState(uuid, 'active', { timeout: 12 * MINUTES });
  const [words] = await machine.console.waitFor(new RegExp(`${hello.source.replace(/\\n$/, '')}\n`), {
    since,
    timeout: 5 * MINUTES,
  });
  return words;
}

/** The fields of instance_info for it, as an operator sets them. */
export function partitionFields(rack: Pick<Rack, 'images'>, parts: TinyPartition): Record<string, unknown> {
  rack.images.publish('/my-image.raw', parts.image.path);
  rack.images.publish('/my-image.vmlinuz', parts.kernel.path);
  rack.images.publish('/my-image.initrd', parts.initrd.path);
  return {
    '/instance_info/image_source': rack.images.url('/my-image.raw'),
    '/instance_info/image_os_hash_algo': 'sha256',
    '/instance_info/image_os_hash_value': parts.image.sha256,
    '/instance_info/kernel': rack.images.url('/my-image.vmlinuz'),
    '/instance_info/ramdisk': rack.images.url('/my-image.initrd'),
    '/instance_info/root_gb': 1,
  };
}

export const ROOT_WORD = `root=UUID=${PARTITION_UUID}`;
