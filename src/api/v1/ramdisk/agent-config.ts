import type { RamdiskSettings } from './access.js';

/** The configuration that lookup gives to a ramdisk (ironic/api/controllers/v1/ramdisk.py, `config`). */
export function agentConfig(settings: RamdiskSettings, token: string | null): Record<string, unknown> {
  return {
    metrics: {
      backend: 'noop',
      prepend_host: false,
      prepend_uuid: false,
      prepend_host_reverse: true,
      global_prefix: null,
    },
    metrics_statsd: { statsd_host: 'localhost', statsd_port: 8125 },
    heartbeat_timeout: settings.heartbeat_timeout,
    agent_containers: {
      allow_arbitrary_containers: false,
      allowed_containers: [],
      container_steps_file: '',
      runner: 'podman',
      pull_options: '',
      run_options: '',
    },
    agent_token: token,
    agent_token_required: true,
    agent_md5_checksum_enable: settings.allow_md5_checksum,
    disable_deep_image_inspection: false,
    permitted_image_formats: [...settings.permitted_formats],
    agent_skip_bmc_detect: false,
    enable_bios_bootloader_install: settings.enable_bios_bootloader_install,
    // Not a field of Ironic's: an agent that isolates the image's programs may run them anyway.
    ferric_contained_bootloader_install: true,
    tls_min_version: null,
    tls_cipher_suites: null,
  };
}
