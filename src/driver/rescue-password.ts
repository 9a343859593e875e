import { InvalidError } from '../domain/errors.js';
import type { DriverContext, ReadContext } from './contract/context.js';

/** Fields of the password until the rescue system has it (Ironic: conductor/utils.remove_node_rescue_password). */
const KEYS = ['rescue_password', 'hashed_rescue_password'];

/** @throws InvalidError for a password of blanks only; a node without a password passes */
export function checkRescuePassword({ node }: ReadContext): void {
  const password = node.instance_info['rescue_password'];
  if (password === undefined || password === null) return;
  if (typeof password !== 'string' || password.trim() === '') {
    throw new InvalidError("The 'instance_info/rescue_password' is an empty string.");
  }
}

export async function forgetRescuePassword(context: DriverContext): Promise<void> {
  const kept = Object.entries(context.node.instance_info).filter(([key]) => !KEYS.includes(key));
  await context.save({ instance_info: Object.fromEntries(kept) });
}
