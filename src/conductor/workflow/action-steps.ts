import { FerricError, messageOf } from '../../domain/errors.js';
import type { MediaDevice } from '../../domain/hardware/component.js';
import type { JsonObject } from '../../domain/json.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import type { VirtualMedia } from '../../driver/contract/management.js';
import { unsupported } from '../../driver/unsupported.js';
import type { OwnContext, OwnStep } from './own-step.js';

const base = {
  interface: 'management',
  priority: 100,
  abortable: false,
  rerunnable: true,
  visible: false,
  kinds: ['action'],
} as const;

/** The only step of each action. All but a vendor's set a value, so they may be run again. */
export const ACTION_STEPS: readonly OwnStep[] = [
  { ...base, interface: 'console', name: 'set_console', run: setConsole },
  { ...base, name: 'set_boot_mode', run: setBootMode },
  { ...base, name: 'set_secure_boot', run: setSecureBoot },
  { ...base, name: 'attach_media', run: attachMedia },
  { ...base, name: 'detach_media', run: detachMedia },
  { ...base, interface: 'vendor', name: 'vendor_passthru', rerunnable: false, run: callVendor },
];

const done = { is: 'done' } as const;

/** Argument `enabled`. */
async function setConsole(context: OwnContext) {
  const enabled = context.step.args['enabled'] === true;
  const what = `${enabled ? 'enabling' : 'disabling'} the console on node ${context.node.uuid}`;
  await inWords(`Error ${what}. Reason: `, () =>
    enabled ? context.all.console.start(context) : context.all.console.stop(context),
  );
  await context.save({ console_enabled: enabled });
  return done;
}

/** Argument `target`. */
async function setBootMode(context: OwnContext) {
  const target = context.step.args['target'] as BootMode;
  const firmware = context.all.management.firmwareBoot;
  await inWords(`Failed to change boot mode to '${target}: `, async () => {
    if (!firmware) throw unsupported(context.node.driver, 'set_boot_mode');
    await context.all.management.validate(context);
    if ((await firmware.getBootMode(context)) !== target) await firmware.setBootMode(context, target);
  });
  await context.save({ boot_mode: target });
  return done;
}

/** Argument `target`, a boolean. */
async function setSecureBoot(context: OwnContext) {
  const on = context.step.args['target'] === true;
  const firmware = context.all.management.firmwareBoot;
  await inWords(`Failed to change secure_boot state to '${on ? 'True' : 'False'}': `, async () => {
    if (!firmware) throw unsupported(context.node.driver, 'set_secure_boot_state');
    if ((await firmware.getSecureBoot(context)) !== on) await firmware.setSecureBoot(context, on);
  });
  await context.save({ secure_boot: on });
  return done;
}

/** Arguments: device_type, image_url, image_download_source. */
async function attachMedia(context: OwnContext) {
  const medium = context.step.args as Parameters<VirtualMedia['attach']>[1] & JsonObject;
  await inWords(`Could not attach device ${medium.device_type} to node ${context.node.uuid}: `, async () => {
    if (!context.all.management.media) throw unsupported(context.node.driver, 'attach_virtual_media');
    await context.all.management.media.attach(context, medium);
  });
  return done;
}

/** Argument `device_types`, null for all. */
async function detachMedia(context: OwnContext) {
  const devices = context.step.args['device_types'] as MediaDevice[] | null;
  const which = devices?.join(', ') ?? 'all';
  await inWords(`Could not detach device(s) ${which} from node ${context.node.uuid}: `, async () => {
    if (!context.all.management.media) throw unsupported(context.node.driver, 'detach_virtual_media');
    await context.all.management.media.detach(context, devices);
  });
  return done;
}

/** Arguments: method, http_method, given. */
async function callVendor(context: OwnContext) {
  const { method, http_method, given } = context.step.args;
  const called = context.all.vendor.methods[String(method)];
  if (!called) throw new FerricError('unsupported', `No handler for method ${String(method)}`);
  await called.run(context, given as JsonObject, String(http_method));
  return done;
}

/** A lost reservation, a stopping conductor and an absent database are not failures of the machine. */
function isOfMachine({ code }: FerricError): boolean {
  return code !== 'reservation-lost' && code !== 'cancelled' && code !== 'database-away';
}

async function inWords(words: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof FerricError) || !isOfMachine(error)) throw error;
    throw new FerricError(error.code, `${words}${messageOf(error)}`, { cause: error });
  }
}
