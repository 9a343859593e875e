import { NotFoundError } from '../../domain/errors.js';
import type { DriverRegistry } from '../../driver/registry.js';

/**
 * @throws NotFoundError with the message of Ironic's hash ring (ironic/common/hash_ring.py), which selects conductors
 */
export function refuseUnknown(registry: DriverRegistry, driver: string): void {
  if (!registry.isEnabled(driver)) throw new NotFoundError(`The driver '${driver}' is unknown.`);
}
