import { UnsupportedError } from '../domain/errors.js';

/** Ironic's UnsupportedDriverExtension. @param extension an interface, or a call of one */
export function unsupported(driver: string, extension: string): UnsupportedError {
  return new UnsupportedError(
    `Driver ${driver} does not support ${extension} (disabled or not implemented).`,
  );
}
