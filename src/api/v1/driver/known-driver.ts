import type { Conductor } from '../../../conductor/service/conductor.js';
import { NotFoundError } from '../../../domain/errors.js';
import { shorten } from '../../request/value.js';

/** @throws NotFoundError with Ironic's text when no live conductor has the hardware type */
export async function refuseUnknownDriver(conductor: Conductor, name: string): Promise<void> {
  const drivers = await conductor.drivers.list();
  if (drivers.some((driver) => driver.name === name)) return;
  throw new NotFoundError(`The driver '${shorten(name)}' is unknown.`);
}
