import type { AuthSettings } from '../../config/section/auth.js';
import type { Logger } from '../../platform/logger.js';
import { type Access, NoAuth } from './access.js';
import { BasicAccess } from './basic/basic-access.js';
import { UserFile } from './basic/user-file.js';
import { KeystoneAccess } from './keystone/keystone-access.js';

/**
 * The configured way to log in.
 * @throws FerricError for a configuration that admits nobody
 */
export async function createAccess(settings: AuthSettings, log: Logger): Promise<Access> {
  switch (settings.strategy) {
    case 'noauth':
      return new NoAuth();
    case 'http_basic': {
      const file = new UserFile(settings.http_basic.user_file!, log);
      await file.start();
      return new BasicAccess(file, settings.http_basic, log);
    }
    case 'keystone':
      return new KeystoneAccess(settings, log);
  }
}
