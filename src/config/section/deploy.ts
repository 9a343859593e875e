import { z } from 'zod';

const seconds = (min = 0) => z.number().min(min);
const priority = (step: string, own: string) =>
  z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe(`Priority of ${step} in automated cleaning, 0: never; null: the agent’s own (${own})`);

/** Deployment and cleaning through the agent. Names are Ironic's options of [deploy] and [agent]. */
export const deploySection = z
  .strictObject({
    default_boot_mode: z
      .enum(['bios', 'uefi'])
      .default('uefi')
      .describe('For nodes whose capabilities name no boot_mode'),
    http_image_subdir: z
      .string()
      .regex(/^[a-z0-9_-]+$/)
      .default('agent_images')
      .describe('Folder under http_root and http_url where instance images are published'),
    image_download_source: z
      .enum(['http', 'local'])
      .default('http')
      .describe(
        'http: the agent fetches the image from its own URL; local: the conductor caches and serves it. file:// and Image service images are always served by the conductor',
      ),
    stream_raw_images: z
      .boolean()
      .default(true)
      .describe('The agent writes raw images as they arrive, without keeping them in memory first'),
    default_ephemeral_format: z
      .enum(['ext2', 'ext3', 'ext4', 'xfs', 'vfat'])
      .default('ext4')
      .describe('File system of the ephemeral partition where instance_info names no ephemeral_format'),
    enable_bios_bootloader_install: z
      .boolean()
      .default(false)
      .describe(
        'Let OpenStack’s agent run GRUB’s installer out of partition images, as root in the ramdisk and on the provisioning network (CVE-2026-43003). Ferric’s own agent shuts it in and needs no permission',
      ),
    erase_devices_priority: z
      .int()
      .min(0)
      .nullable()
      .default(null)
      .describe(
        'Full erase in automated cleaning. null: none; metadata is erased everywhere, and disks that erase themselves within minutes (NVMe format, ATA secure erase) do so. 10 or another priority: every byte of every other disk is overwritten, once at random and once with zeros, which takes a day and more for large disks. 0: nothing but metadata',
      ),
    erase_devices_metadata_priority: priority('erase_devices_metadata', '99'),
    delete_configuration_priority: priority('delete_configuration', '0'),
    clean_step_priority_override: z
      .record(z.string().regex(/^[a-z]+\.[A-Za-z0-9_]+$/, 'must be interface.step'), z.int().min(0))
      .default({})
      .describe('Priority of any clean step, as interface.step: number; stronger than the three above'),
    shred_random_overwrite_iterations: z
      .int()
      .min(0)
      .default(1)
      .describe('Passes of random data that erase_devices writes where a secure erase is not to be had'),
    shred_final_overwrite_with_zeros: z.boolean().default(true).describe('Zeroes after those passes'),
    continue_if_disk_secure_erase_fails: z
      .boolean()
      .default(false)
      .describe('Overwrite a disk whose secure erase failed, instead of failing'),
    enable_ata_secure_erase: z.boolean().default(true).describe('Use ATA secure erase'),
    enable_nvme_secure_erase: z.boolean().default(true).describe('Use NVMe format'),
    erase_skip_read_only: z.boolean().default(false).describe('Pass over read-only disks'),
    disk_erasure_concurrency: z.int().min(1).default(4).describe('Disks of one machine erased at once'),
    ramdisk_boot_retries: z
      .int()
      .min(0)
      .max(10)
      .default(1)
      .describe(
        'How often a machine whose ramdisk does not call back within the *_callback_timeout of its work is started again, each time with that time anew, before the work fails; 0: never',
      ),
    power_off_after_deploy_failure: z
      .boolean()
      .default(true)
      .describe('Power a machine off whose deployment failed'),
    poweroff_in_cleanfail: z
      .boolean()
      .default(false)
      .describe('Power a machine off whose cleaning failed; may hurt a step that still runs'),
    command_timeout: seconds(1).default(60).describe('Seconds for one request to the agent'),
    max_command_attempts: z
      .int()
      .min(1)
      .default(3)
      .describe('Tries of a request that the agent did not answer'),
    command_wait_interval: seconds(0.1).default(6).describe('Seconds between looks at a command under way'),
    post_deploy_get_power_state_retries: z
      .int()
      .min(0)
      .default(6)
      .describe('Looks whether the ramdisk powered itself off, before it is powered off hard'),
    post_deploy_get_power_state_retry_interval: seconds(0.1)
      .default(5)
      .describe('Seconds between those looks'),
    deploy_logs_collect: z
      .enum(['always', 'on_failure', 'never'])
      .default('on_failure')
      .describe('When the ramdisk’s logs are fetched'),
    deploy_logs_local_path: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe('Where they are kept; null: <data_dir>/ramdisk-logs'),
    deploy_logs_max_bytes: z
      .int()
      .min(1024)
      .default(16_777_216)
      .describe('Largest archive of logs taken from a ramdisk, in bytes'),
  })
  .prefault({});

export type DeploySettings = z.output<typeof deploySection>;
