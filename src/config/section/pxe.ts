import { z } from 'zod';

/** Network boot of the deploy ramdisk. Names are Ironic's options of [pxe]. */
export const pxeSection = z
  .strictObject({
    kernel_append_params: z
      .string()
      .default('nofb vga=normal')
      .describe(
        'On the deploy kernel’s command line, for nodes whose driver_info.kernel_append_params does not replace it (there, %default% stands for this)',
      ),
    ipxe_timeout: z
      .number()
      .min(0)
      .default(0)
      .describe('Seconds that iPXE gives each transfer; 0: as long as it takes'),
    enable_netboot_fallback: z
      .boolean()
      .default(false)
      .describe(
        'After deployment, keep a configuration that hands machines which still start from the network on to their disk',
      ),
  })
  .prefault({});

export type PxeSettings = z.output<typeof pxeSection>;
