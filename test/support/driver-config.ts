import { join } from 'node:path';
import { type Config, configSchema } from '../../src/config/schema.js';

/** Sections as an operator writes them. */
export type Sections = Partial<Record<keyof Config, object>>;

/** A configuration for drivers under test: all files below one directory, short waits. @param more keys that differ */
export function driverConfig(directory: string, more: Sections = {}): Config {
  const base: Sections = {
    conductor: {
      host: 'conductor-1',
      deploy_callback_timeout: 60,
      clean_callback_timeout: 30,
      service_callback_timeout: 30,
    },
    agent: { public_url: 'http://10.77.0.1:6386', callback_ports: [] },
    netboot: { http: { public_url: 'http://10.77.0.1:8080' }, http_root: join(directory, 'http') },
    deploy: {
      command_timeout: 2,
      max_command_attempts: 2,
      command_wait_interval: 0.1,
      post_deploy_get_power_state_retry_interval: 0.1,
      deploy_logs_local_path: join(directory, 'logs'),
    },
  };
  const names = new Set([...Object.keys(base), ...Object.keys(more)] as (keyof Config)[]);
  const merged = [...names].map((name) => [name, { ...base[name], ...more[name] }]);
  return { ...configSchema.parse(Object.fromEntries(merged)), data_dir: directory };
}
