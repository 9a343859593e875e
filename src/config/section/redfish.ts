import { z } from 'zod';
import { HOOK_NAMES, hookFaults } from './inspector.js';

const seconds = (min: number) => z.number().min(min);

/** Access to BMCs over Redfish. Names are Ironic's options of [redfish] where it has them. */
export const redfishSection = z
  .strictObject({
    auth_type: z
      .enum(['auto', 'session', 'basic'])
      .default('auto')
      .describe(
        'How to log in: by a session, by basic authentication, or by a session where the BMC has one free; driver_info.redfish_auth_type is stronger',
      ),
    verify_ca: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe(
        'PEM file of the authorities that BMCs’ certificates are signed by; null: the system’s. driver_info.redfish_verify_ca is stronger',
      ),
    tls_minimum_version: z
      .enum(['1.1', '1.2', '1.3'])
      .default('1.2')
      .describe('Oldest TLS that is spoken; driver_info.redfish_tls_minimum_version is stronger'),
    tls_ciphers: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        'OpenSSL’s list of ciphers; null: Node.js’s own. driver_info.redfish_tls_ciphers is stronger',
      ),
    connection_attempts: z
      .int()
      .min(1)
      .default(5)
      .describe('How often a BMC is tried to be reached while somebody waits; the power sync tries twice'),
    connection_retry_interval: seconds(0).default(4).describe('Seconds between two tries'),
    connect_timeout: seconds(1).default(30).describe('Seconds for a connection and its TLS'),
    read_timeout: seconds(1).default(60).describe('Seconds without a byte of the answer'),
    max_running: z
      .int()
      .min(1)
      .default(32)
      .describe('Requests under way at once to BMCs that answer soon; each BMC has one at a time'),
    max_waiting: z
      .int()
      .min(1)
      .default(256)
      .describe('More requests that only wait for BMCs that are slow or did not answer last time'),
    max_request_interval: seconds(0)
      .default(5)
      .describe(
        'Ceiling of the pause between requests to one BMC; there is none until a BMC shows that it needs one',
      ),
    power_on_conflict_retry_attempts: z
      .int()
      .min(0)
      .default(6)
      .describe(
        'How often a machine is started again whose BMC answers that it conflicts with what is under way',
      ),
    power_on_conflict_retry_interval: seconds(0).default(10).describe('Seconds between those'),
    boot_mode_config_timeout: seconds(1)
      .default(900)
      .describe('Seconds in which a boot mode or Secure Boot takes effect, the reboot included'),
    bios_config_timeout: seconds(1)
      .default(1800)
      .describe('Seconds in which BIOS settings take effect once the machine has been rebooted for them'),
    inspection_hooks: z
      .array(z.enum(HOOK_NAMES))
      .default(['validate-interfaces', 'ports', 'architecture'])
      .describe(
        'What is done with what a BMC shows when inspect interface `redfish` inspects, in this order; the options of `inspector` apply to them',
      ),
    enable_verify_bmc_clock: z
      .boolean()
      .default(false)
      .describe('Set the BMC’s clock when a node is verified, and fail where it does not keep it'),
  })
  .prefault({})
  .superRefine(({ inspection_hooks }, context) => {
    for (const { at, message } of hookFaults(inspection_hooks)) {
      context.addIssue({ code: 'custom', path: ['inspection_hooks', at], message });
    }
  });

export type RedfishSettings = z.output<typeof redfishSection>;
