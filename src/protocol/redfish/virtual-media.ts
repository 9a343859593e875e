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
  /** Something is in it and connected: Supermicro keeps Image after an eject, and has only ConnectedVia to tell. */
  readonly occupied: boolean;
  /** As the service says it. */
  readonly inserted: boolean;
  readonly insert: Action | undefined;
  readonly eject: Action | undefined;
  readonly writeProtected: boolean | undefined;
  /** Media types that it can transfer by, where the service says so. */
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

/** Redfish's media types that serve as a device of the API, the fitting first (Ironic: redfish/boot.py). */
const TYPES = {
  cdrom: ['CD', 'DVD'],
  disk: ['USBStick'],
  floppy: ['Floppy'],
} as const satisfies Record<string, readonly string[]>;
/** Devices of the Bare Metal API (ironic/common/boot_devices.py, VMEDIA_DEVICES). */
export type MediaDevice = keyof typeof TYPES;

/** Whether the slot takes media of this device. */
export function takes(slot: MediaSlot, device: MediaDevice): boolean {
  return TYPES[device].some((type) => slot.mediaTypes.includes(type));
}

/**
 * Slots for a device in the order that they are tried in. Those that take no URL (uploads, a browser's drive) are left out;
 * what a row of the quirk table prefers stands first, then CD before DVD, then the empty before the occupied.
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
  /** Said only where an operator has named it, or the service asks for it. */
  readonly protocol?: string;
  readonly user?: string;
  readonly password?: string;
}

/** How a medium is put into a slot. */
export type MediaCall =
  | { readonly how: 'action'; readonly target: Uri; readonly body: Resource }
  | { readonly how: 'patch'; readonly target: Uri; readonly body: Resource };

/**
 * The first request for a slot: its action, or a PATCH of the slot itself where it has none (Lenovo).
 * @param info parameters of the action, where an ActionInfo describes them
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
  // Both are the defaults (DSP0268), so that leaving them out changes nothing where they are refused.
  const described = info && info.length > 0;
  const stated = Object.entries(state).filter(
    ([name]) => !differences.insertImageOnly && (!described || info.some((one) => one.name === name)),
  );
  return { how: 'action', target: slot.insert.target, body: { ...image, ...Object.fromEntries(stated) } };
}

/**
 * The next form of a request that the service refused, by what it says is missing or unknown: the refusal tells that
 * nothing was inserted.
 * @returns undefined when there is no other form to try
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

/** As Redfish names transfer protocols. */
export function protocolOf(url: string): string {
  const scheme = url.split(':', 1)[0]?.toUpperCase() ?? '';
  return scheme === 'SMB' ? 'CIFS' : scheme;
}

/** How a slot is emptied. `{}` is the body: some refuse none (iLO4: 415). */
export function ejectCall(slot: MediaSlot): MediaCall | undefined {
  if (slot.eject) return { how: 'action', target: slot.eject.target, body: {} };
  // Without an insert action either, it is changed itself; with one, the slot is empty (Supermicro shows no EjectMedia then).
  if (slot.insert && !slot.inserted) return undefined;
  return { how: 'patch', target: slot.uri, body: { Image: null, Inserted: false } };
}

/**
 * Whether the slot, read back, holds what was put in. `unknown`: something is in it, and the service does not say what.
 * @param name what the image's URL ends with, for services that rewrite it or tell its name alone
 */
export function holds(
  slot: MediaSlot,
  url: string,
  imageName?: string,
): 'ours' | 'another' | 'nothing' | 'unknown' {
  if (!slot.inserted && slot.image === undefined) return 'nothing';
  if (!slot.inserted) return 'nothing';
  if (slot.image === undefined && imageName === undefined) return 'unknown';
  const file = fileOf(url);
  const said = [slot.image, imageName].filter((text) => text !== undefined);
  return said.some((text) => text === url || fileOf(text) === file) ? 'ours' : 'another';
}

function fileOf(url: string): string {
  return url.split(/[?#]/, 1)[0]!.split(/[/\\]/).at(-1) ?? '';
}
