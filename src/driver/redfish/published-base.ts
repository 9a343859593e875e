import { InvalidError } from '../../domain/errors.js';
import { isAbsent } from '../../domain/json.js';
import type { DriverNode } from '../contract/context.js';

/**
 * Base URL of published files as a node's BMC sees it: driver_info external_http_url, else the boot HTTP server's.
 * @returns without a slash at its end
 * @throws InvalidError for a field that is no http or https URL
 */
export function publishedBase(node: DriverNode, url: () => string): string {
  const own = node.driver_info['external_http_url'];
  if (isAbsent(own)) return url().replace(/\/$/, '');
  if (typeof own === 'string' && /^https?:\/\/[^/?#\s]+[^?#\s]*$/.test(own)) return own.replace(/\/$/, '');
  throw new InvalidError('driver_info.external_http_url must be an http or https URL');
}
