import { httpRoot, tftpRoot } from './endpoints.js';
import type { Config } from './schema.js';

/** Files and directories that Ferric keeps for itself: what lies there is for nobody who names a path. */
export function ownPaths(config: Config): string[] {
  const { data_dir, image_service, database, deploy } = config;
  return [
    `${data_dir}/image-cache`,
    image_service.directory ?? `${data_dir}/image-store`,
    httpRoot(config),
    tftpRoot(config),
    `${data_dir}/postgresql`,
    deploy.deploy_logs_local_path ?? `${data_dir}/ramdisk-logs`,
    database.secret_key_file ?? `${data_dir}/secret.key`,
  ];
}
