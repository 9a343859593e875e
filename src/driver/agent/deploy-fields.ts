import type { DeploySettings } from '../../config/section/deploy.js';
import { InvalidError } from '../../domain/errors.js';
import { isAbsent } from '../../domain/json.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import { parseRootDeviceHints } from '../../domain/root-device/hint.js';
import { bootModeOf } from '../capabilities.js';
import type { ReadContext } from '../contract/context.js';
import type { Faults } from '../contract/faults.js';
import type { PropertyTable } from '../contract/implementation.js';

/** driver_info fields of the deploy interfaces that use the agent. */
export const AGENT_PROPERTIES: PropertyTable = {
  image_download_source:
    'Whether the agent fetches the image from its own URL (http) or from the conductor, which caches it (local). Optional.',
  image_http_proxy: 'URL of a proxy server for HTTP connections. Optional.',
  image_https_proxy: 'URL of a proxy server for HTTPS connections. Optional.',
  image_no_proxy:
    'A comma-separated list of host names, IP addresses and domain names (with optional :port) that will be excluded from proxying. Optional.',
  deploy_forces_oob_reboot:
    'Whether the node is powered off by its BMC after deployment instead of by its agent. Defaults to False. Optional.',
  force_persistent_boot_device:
    "Controls the persistency of boot order changes. 'Always' will make all changes persistent, 'Default' will make all but the final one upon instance deployment non-persistent, and 'Never' will make no persistent changes at all. Defaults to 'Default'. Optional.",
  agent_verify_ca:
    'Kept for clients of Ironic: the certificate that the agent itself reports is the one that is trusted. Only True is accepted. Optional.',
};

/** Checks of a node's fields that every deployment by the agent needs. */
export function checkAgentFields(context: ReadContext, settings: DeploySettings, faults: Faults): void {
  const { node } = context;
  faults.attempt(() => deployMode(context, settings));
  const hints = node.instance_info['root_device'] ?? node.properties['root_device'];
  if (!isAbsent(hints)) faults.attempt(() => void parseRootDeviceHints(hints));
  faults.attempt(() => forcesOutOfBandReboot(context));
  for (const field of ['image_http_proxy', 'image_https_proxy']) {
    const proxy = node.driver_info[field];
    if (isAbsent(proxy) || (typeof proxy === 'string' && isWebUrl(proxy))) continue;
    faults.add(`driver_info.${field}: must be an http or https URL`);
  }
  const trusted = node.driver_info['agent_verify_ca'];
  if (!isAbsent(trusted) && !/^(true|1|yes|on)$/i.test(String(trusted))) {
    faults.add('driver_info.agent_verify_ca: only True is supported, the agent’s own certificate is pinned');
  }
}

/** @throws InvalidError for an unknown mode */
export function deployMode(context: ReadContext, settings: DeploySettings): BootMode {
  const mode = bootModeOf(context.node, settings.default_boot_mode);
  if (!mode) throw new InvalidError('capabilities: boot_mode must be bios or uefi');
  return mode;
}

/** Whether the machine is powered off by its BMC, not by its agent. @throws InvalidError */
export function forcesOutOfBandReboot({ node }: ReadContext): boolean {
  const value = node.driver_info['deploy_forces_oob_reboot'];
  if (isAbsent(value)) return false;
  const text = String(value).toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true;
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(text)) return false;
  throw new InvalidError('driver_info.deploy_forces_oob_reboot must be true or false');
}

function isWebUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
