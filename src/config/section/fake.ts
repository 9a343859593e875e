import { z } from 'zod';

const delay = (what: string) =>
  z
    .union([z.number().min(0).max(86_400).transform(String), z.string()])
    .refine((text) => /^\s*\d+(\.\d+)?\s*(,\s*\d+(\.\d+)?\s*)?$/.test(text), 'is not a delay: `2` or `1,5`')
    .default('0')
    .describe(
      `Seconds that ${what} takes; two values with a comma: a random time between them, the first the likeliest`,
    );

/** Delays of fake-hardware. Names are Ironic's options of [fake]. */
export const fakeSection = z
  .strictObject({
    power_delay: delay('each power action, and each look at the power state,'),
    boot_delay: delay('publishing or withdrawing what a machine boots'),
    deploy_delay: delay('each of preparing, deploying, tearing down'),
    vendor_delay: delay('a vendor method'),
    management_delay: delay('each call of management (boot device, indicators, boot mode, virtual media)'),
    inspect_delay: delay('an inspection'),
    raid_delay: delay('a RAID step'),
    bios_delay: delay('a BIOS step'),
    storage_delay: delay('attaching or detaching volumes'),
    rescue_delay: delay('each of rescuing and unrescuing'),
    firmware_delay: delay('a firmware step'),
    console_delay: delay('starting or stopping a console'),
  })
  .prefault({});

export type FakeSettings = z.output<typeof fakeSection>;
