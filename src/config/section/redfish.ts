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
    firmware_source: z
      .enum(['http', 'local', 'push'])
      .default('http')
      .describe(
        'Where a BMC gets a firmware image from: `http`: from the URL itself, if that is http or https and no checksum is given; `local`: from the boot HTTP server; `push`: it is sent to the BMC, which fetches nothing. `source` of an update is stronger',
      ),
    firmware_update_status_interval: seconds(0)
      .default(60)
      .describe('Seconds between two looks at a firmware update'),
    firmware_update_reboot_delay: seconds(0)
      .default(300)
      .describe(
        'Seconds that an update may take before the machine is rebooted for it, if nothing shows that it waits for that, and that a new version may take to show',
      ),
    firmware_update_nic_starting_wait: seconds(0)
      .default(30)
      .describe('Seconds for which an update may wait before the machine is rebooted for it'),
    firmware_update_wait_unresponsive_bmc: seconds(0)
      .default(0)
      .describe(
        'Seconds without requests after the update of a component that is neither bios, bmc nor a network adapter; driver_info.firmware_update_unresponsive_bmc_wait is stronger',
      ),
    firmware_update_bmc_version_check_interval: seconds(0)
      .default(30)
      .describe('Seconds between two looks at the version after an update'),
    firmware_update_required_successes: z
      .int()
      .min(0)
      .default(3)
      .describe(
        'How often in a row a BMC must show its system, manager and network adapters after an update; 0: no check',
      ),
    firmware_update_validation_interval: seconds(0).default(30).describe('Seconds between those'),
    firmware_update_resource_validation_timeout: seconds(0)
      .default(480)
      .describe('Seconds in which a BMC must show them; 0: no check'),
    firmware_update_overall_timeout: seconds(0)
      .default(7200)
      .describe('Seconds for all updates of one step; 0: no limit'),
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
