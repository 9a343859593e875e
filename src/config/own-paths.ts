import { httpRoot, imageStore, secretKeyFile, tftpRoot } from './endpoints.js';
import type { Config } from './schema.js';

/** Ferric's own files and directories: a path that a user names must not lead there. */
export function ownPaths(config: Config): string[] {
  const { data_dir, deploy } = config;
  return [
    `${data_dir}/image-cache`,
    imageStore(config),
    httpRoot(config),
    tftpRoot(config),
    `${data_dir}/postgresql`,
    deploy.deploy_logs_local_path ?? `${data_dir}/ramdisk-logs`,
    secretKeyFile(config),
  ];
}
