import { z } from 'zod';

const seconds = (min: number) => z.number().min(min);

/** Access to BMCs by IPMI. Names are Ironic's options of [ipmi] where it has them. */
export const ipmiSection = z
  .strictObject({
    link: z
      .enum(['ipmitool', 'native', 'auto'])
      .default('ipmitool')
      .describe(
        'Who speaks to BMCs: ipmitool, a process a command; native, this process by UDP; auto, native where it works and ipmitool for the rest',
      ),
    shadow_share: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'Share of the reads (0-1) that the other link makes too, to compare: differences are logged and counted',
      ),
    max_packets_per_second: z
      .int()
      .min(10)
      .default(4_000)
      .describe('Ceiling of the packets that the native link sends to all BMCs together'),
    program: z
      .string()
      .min(1)
      .default('ipmitool')
      .describe('ipmitool, 1.8.19 or newer: a name on PATH or a path'),
    command_retry_timeout: seconds(1)
      .default(60)
      .describe('Seconds within which a command that failed for a passing reason is tried again'),
    min_response_timeout: seconds(1)
      .default(2)
      .describe('Seconds to wait for a BMC’s answer to one packet, at first'),
    max_response_timeout: seconds(1)
      .default(5)
      .describe('The same, for a BMC that was seen to be slow or did not answer'),
    max_command_interval: seconds(0)
      .default(5)
      .describe(
        'Ceiling of the pause between commands to one BMC; there is none until a BMC shows that it needs one',
      ),
    max_running: z
      .int()
      .min(1)
      .default(8)
      .describe(
        'ipmitool processes started and not yet waiting for a slow BMC; any number of commands may queue',
      ),
    max_waiting: z
      .int()
      .min(1)
      .default(64)
      .describe('More ipmitool processes that only wait for BMCs that are slow or did not answer last time'),
    disable_boot_timeout: z
      .boolean()
      .default(true)
      .describe(
        'Tell BMCs not to forget a boot device after 60 s; driver_info.ipmi_disable_boot_timeout is stronger',
      ),
    additional_retryable_ipmi_errors: z
      .array(z.string().min(1))
      .default([])
      .describe('Texts of ipmitool after which a command is tried again, beside the known ones'),
  })
  .prefault({});

export type IpmiSettings = z.output<typeof ipmiSection>;
