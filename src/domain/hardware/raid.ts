import { z } from 'zod';
import { InvalidError } from '../errors.js';

/** The RAID configuration that a user may request. Source: ironic/drivers/raid_config_schema.json. */

const LEVELS = ['JBOD', '0', '1', '2', '5', '6', '1+0', '5+0', '6+0'] as const;

const logicalDisk = z
  .strictObject({
    raid_level: z
      .enum(LEVELS)
      .describe(
        "RAID level for the logical disk. Valid values are 'JBOD', '0', '1', '2', '5', '6', '1+0', '5+0' and '6+0'. Required.",
      ),
    size_gb: z
      .union([z.int().min(0), z.literal('MAX')])
      .describe(
        "Size in GiB (Integer) for the logical disk. Use 'MAX' as size_gb if this logical disk is supposed to use the rest of the space available. Required.",
      ),
    volume_name: z
      .string()
      .optional()
      .describe(
        'Name of the volume to be created. If this is not specified, it will be auto-generated. Optional.',
      ),
    is_root_volume: z
      .boolean()
      .optional()
      .describe('Specifies whether this disk is a root volume. By default, this is False. Optional.'),
    share_physical_disks: z
      .boolean()
      .optional()
      .describe(
        'Specifies whether other logical disks can share physical disks with this logical disk. By default, this is False. Optional.',
      ),
    disk_type: z
      .enum(['hdd', 'ssd'])
      .optional()
      .describe(
        "The type of disk preferred. Valid values are 'hdd' and 'ssd'. If this is not specified, disk type will not be a selection criterion for choosing backing physical disks. Optional.",
      ),
    interface_type: z
      .enum(['sata', 'scsi', 'sas'])
      .optional()
      .describe(
        "The interface type of disk. Valid values are 'sata', 'scsi' and 'sas'. If this is not specified, interface type will not be a selection criterion for choosing backing physical disks. Optional.",
      ),
    number_of_physical_disks: z
      .int()
      .min(1)
      .optional()
      .describe(
        'Number of physical disks to use for this logical disk. By default, the driver uses the minimum number of disks required for that RAID level. Optional.',
      ),
    controller: z
      .string()
      .optional()
      .describe(
        'Controller to use for this logical disk. If not specified, the driver will choose a suitable RAID controller on the bare metal node. Optional.',
      ),
    physical_disks: z
      .union([z.array(z.string()), z.array(z.record(z.string(), z.json())).min(2)])
      .optional()
      .describe(
        'The physical disks to use for this logical disk. If not specified, the driver will choose suitable physical disks to use. Optional.',
      ),
  })
  .refine((disk) => disk.physical_disks === undefined || disk.controller !== undefined, {
    message: "'controller' is a dependency of 'physical_disks'",
  });

const configuration = z.strictObject({ logical_disks: z.array(logicalDisk).min(1) });

/** Descriptions by property of a logical disk, as `GET /v1/drivers/X/raid/logical_disk_properties` shows them. */
export const LOGICAL_DISK_PROPERTIES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(logicalDisk.shape).map(([name, schema]) => [name, schema.description ?? '']),
);

/** @throws InvalidError naming the fault */
export function checkRaidConfiguration(config: Readonly<Record<string, unknown>>): void {
  const read = configuration.safeParse(config);
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue!.path.join('.');
    throw new InvalidError(`RAID config validation error: ${where ? `${where}: ` : ''}${issue!.message}`);
  }
  const roots = read.data.logical_disks.filter((disk) => disk.is_root_volume).length;
  if (roots > 1) {
    throw new InvalidError(
      `Raid config cannot have more than one root volume. ${roots} root volumes were specified`,
    );
  }
}
