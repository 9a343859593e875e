import { type Action, type ActionParameter, actionOf } from './action.js';
import { type ExtendedMessage, hasMessage } from './error-body.js';
import type { Differences } from './quirk.js';
import { booleanOf, idOf, type Resource, textOf, textsOf, type Uri } from './resource.js';

/** A slot for virtual media (DSP0268, VirtualMedia), of a System or of a Manager. */
export interface MediaSlot {
  readonly uri: Uri;
  readonly id: string;
  readonly mediaTypes: readonly string[];
  readonly image: string | undefined;
  /** A medium is inserted and connected: after an eject Supermicro keeps Image, and only ConnectedVia shows it. */
  readonly occupied: boolean;
  /** As the service reports it. */
  readonly inserted: boolean;
  readonly insert: Action | undefined;
  readonly eject: Action | undefined;
  readonly writeProtected: boolean | undefined;
  /** Transfer protocols that it accepts, if the service lists them. */
  readonly protocols: readonly string[] | undefined;
}

export function readSlot(resource: Resource): MediaSlot | undefined {
  const uri = idOf(resource);
  if (uri === undefined) return undefined;
  const inserted = booleanOf(resource, 'Inserted') ?? false;
  const insert = actionOf(resource, 'VirtualMedia.InsertMedia');
  return {
    uri,
    id: textOf(resource, 'Id') ?? uri.split('/').at(-1) ?? '',
    mediaTypes: textsOf(resource, 'MediaTypes') ?? [],
    image: textOf(resource, 'Image'),
    occupied: inserted && textOf(resource, 'ConnectedVia') !== 'NotConnected',
    inserted,
    insert,
    eject: actionOf(resource, 'VirtualMedia.EjectMedia'),
    writeProtected: booleanOf(resource, 'WriteProtected'),
    protocols:
      insert?.allowable['TransferProtocolType'] ??
      textsOf(resource, 'TransferProtocolType@Redfish.AllowableValues'),
  };
}

/** Redfish's media types for a device of the API, the best match first (Ironic: redfish/boot.py). */
const TYPES = {
  cdrom: ['CD', 'DVD'],
  disk: ['USBStick'],
  floppy: ['Floppy'],
} as const satisfies Record<string, readonly string[]>;
/** Devices of the Bare Metal API (ironic/common/boot_devices.py, VMEDIA_DEVICES). */
export type MediaDevice = keyof typeof TYPES;

/** Whether the slot accepts media of this device. */
export function takes(slot: MediaSlot, device: MediaDevice): boolean {
  return TYPES[device].some((type) => slot.mediaTypes.includes(type));
}

/**
 * Slots for a device in the order in which they are tried. Slots that accept no URL (uploads, a browser's drive) are
 * omitted. Those that the quirk table prefers come first, then CD before DVD, then empty ones before occupied ones.
 */
export function slotsFor(
  device: MediaDevice,
  slots: readonly MediaSlot[],
  { slotsWithoutUrl = [], slotsFirst = [], onlySlot }: Differences,
): MediaSlot[] {
  const begins = (slot: MediaSlot, names: readonly string[]) =>
    names.some((name) => slot.id.startsWith(name));
  const fitting = slots.filter(
    (slot) =>
      takes(slot, device) &&
      !begins(slot, slotsWithoutUrl) &&
      (onlySlot === undefined || slot.id === onlySlot),
  );
  const rank = (slot: MediaSlot) =>
    (begins(slot, slotsFirst) ? 0 : 4) +
    (slot.mediaTypes.includes(TYPES[device][0]) ? 0 : 2) +
    (slot.occupied ? 1 : 0);
  return fitting.toSorted((a, b) => rank(a) - rank(b));
}

export interface Medium {
  readonly url: string;
  /** Sent only if an operator named it, or the service requires it. */
  readonly protocol?: string;
  readonly user?: string;
  readonly password?: string;
}

/** The request that inserts or ejects a medium. */
export type MediaCall =
  | { readonly how: 'action'; readonly target: Uri; readonly body: Resource }
  | { readonly how: 'patch'; readonly target: Uri; readonly body: Resource };

/**
 * The first request for a slot: its action, or a PATCH of the slot itself if it has none (Lenovo).
 * @param info parameters of the action, if an ActionInfo describes them
 */
export function insertCall(
  slot: MediaSlot,
  medium: Medium,
  differences: Differences,
  info?: readonly ActionParameter[],
): MediaCall {
  const image: Resource = {
    Image: medium.url,
    ...(medium.protocol === undefined ? {} : { TransferProtocolType: medium.protocol }),
    ...(medium.user === undefined ? {} : { UserName: medium.user }),
    ...(medium.password === undefined ? {} : { Password: medium.password }),
  };
  const state = { Inserted: true, WriteProtected: true };
  if (!slot.insert) return { how: 'patch', target: slot.uri, body: { ...image, ...state } };
  // Both are the defaults (DSP0268), so omitting them where they are refused changes nothing.
  const described = info && info.length > 0;
  const stated = Object.entries(state).filter(
    ([name]) => !differences.insertImageOnly && (!described || info.some((one) => one.name === name)),
  );
  return { how: 'action', target: slot.insert.target, body: { ...image, ...Object.fromEntries(stated) } };
}

/**
 * The next form of a request that the service refused, by the parameter that the refusal names as missing or unknown.
 * The refusal means that nothing was inserted.
 * @returns undefined if no other form is left
 */
export function nextInsert(call: MediaCall, messages: readonly ExtendedMessage[]): MediaCall | undefined {
  const { body } = call;
  const with_ = (more: Resource): MediaCall => ({ ...call, body: { ...body, ...more } });
  const asks = (name: string) =>
    messages.some(
      ({ id, text, properties }) =>
        /Missing|Required|NotSupported|ValueNotInList|FormatError|TypeError|Incomplete/i.test(id) &&
        (properties.some((property) => property.split('.').at(-1) === name) || text.includes(name)),
    );
  if (asks('TransferProtocolType') && !('TransferProtocolType' in body)) {
    return with_({ TransferProtocolType: protocolOf(String(body['Image'])) });
  }
  if (asks('TransferMethod') && !('TransferMethod' in body)) return with_({ TransferMethod: 'Stream' });
  if ((asks('UserName') || asks('Password')) && !('UserName' in body)) {
    return with_({ UserName: 'none', Password: 'none' });
  }
  const refused = hasMessage(
    messages,
    'ActionParameterNotSupported',
    'ActionParameterUnknown',
    'PropertyUnknown',
    'PropertyNotWritable',
    'PropertyValueNotInList',
    'ActionParameterValueTypeError',
  );
  const defaults = ['WriteProtected', 'Inserted'].filter((name) => name in body);
  if (
    refused &&
    defaults.length > 0 &&
    !(call.how === 'patch' && defaults.every((name) => name === 'Inserted'))
  ) {
    const left = call.how === 'patch' ? ['WriteProtected'] : defaults;
    return {
      ...call,
      body: Object.fromEntries(Object.entries(body).filter(([name]) => !left.includes(name))),
    };
  }
  return undefined;
}

/** Redfish's name of a transfer protocol. */
export function protocolOf(url: string): string {
  const scheme = url.split(':', 1)[0]?.toUpperCase() ?? '';
  return scheme === 'SMB' ? 'CIFS' : scheme;
}

/** The request that ejects a slot's medium. Its body is `{}`: some services refuse an empty body (iLO4: 415). */
export function ejectCall(slot: MediaSlot): MediaCall | undefined {
  if (slot.eject) return { how: 'action', target: slot.eject.target, body: {} };
  // A slot without any action is patched. With an insert action only, it is empty: Supermicro then has no EjectMedia.
  if (slot.insert && !slot.inserted) return undefined;
  return { how: 'patch', target: slot.uri, body: { Image: null, Inserted: false } };
}

/**
 * Whether the slot, read back, holds the inserted image. `unknown`: it holds an image that the service does not name.
 * @param imageName ImageName of the slot, for services that rewrite the URL or report only the name
 */
export function holds(
  slot: MediaSlot,
  url: string,
  imageName?: string,
): 'ours' | 'another' | 'nothing' | 'unknown' {
  if (!slot.inserted) return 'nothing';
  if (slot.image === undefined && imageName === undefined) return 'unknown';
  const file = fileOf(url);
  const said = [slot.image, imageName].filter((text) => text !== undefined);
  return said.some((text) => text === url || fileOf(text) === file) ? 'ours' : 'another';
}

function fileOf(url: string): string {
  return url.split(/[?#]/, 1)[0]!.split(/[/\\]/).at(-1) ?? '';
}
