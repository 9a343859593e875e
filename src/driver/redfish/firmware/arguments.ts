import { InvalidError } from '../../../domain/errors.js';
import { type Checksum, parseValue } from '../../../domain/image/checksum.js';
import { parseImageReference } from '../../../domain/image/reference.js';
import { isAbsent, isObject, type Json, type JsonObject } from '../../../domain/json.js';

/** Where a BMC gets an image from: the URL itself, the boot HTTP server, or the conductor's own request. */
export const FIRMWARE_SOURCES = ['http', 'local', 'push'] as const;
export type FirmwareSource = (typeof FIRMWARE_SOURCES)[number];

/** One update of the step's argument. */
export interface FirmwareUpdate {
  /** `bios`, `bmc`, `nic:…`, or the Id of a member of FirmwareInventory. */
  readonly component: string;
  readonly url: string;
  /** Seconds; null: the configured times. */
  readonly wait: number | null;
  readonly checksum: Checksum | null;
  readonly source: FirmwareSource | null;
}

/** The part of ImageService that checks references. */
export interface ReferenceRules {
  /** @throws InvalidError naming the field */
  validateReference(reference: unknown, field: string): void;
}

const KNOWN = ['component', 'url', 'wait', 'checksum', 'source'];
/** Length of a component's name in a node's records. */
const MOST_NAME = 255;

/**
 * The argument `settings` (Ironic: firmware_utils.py; `checksum` and `source` as in its update_firmware).
 * @throws InvalidError naming the item and its field
 */
export function askedUpdates(value: Json | undefined, rules: ReferenceRules): FirmwareUpdate[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((item) => isObject(item))) {
    throw new InvalidError('settings must be a list of objects with component and url');
  }
  return value.map((item, at) => updateOf(item as JsonObject, `settings[${at}]`, rules));
}

function updateOf(item: JsonObject, at: string, rules: ReferenceRules): FirmwareUpdate {
  const unknown = Object.keys(item).filter((name) => !KNOWN.includes(name));
  if (unknown.length > 0) throw new InvalidError(`${at} has unknown fields: ${unknown.join(', ')}`);
  const { component, url, wait = null, checksum = null, source = null } = item;
  if (typeof component !== 'string' || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(component)) {
    throw new InvalidError(`${at}.component must be bios, bmc, nic:… or the Id of a firmware inventory`);
  }
  if (component.length > MOST_NAME) throw new InvalidError(`${at}.component is too long`);
  if (typeof url !== 'string') throw new InvalidError(`${at}.url must be a URL`);
  rules.validateReference(url, `${at}.url`);
  // Nobody would ask whether the user may see it: steps come from templates and runbooks, too.
  if (parseImageReference(url, `${at}.url`).kind === 'glance') {
    throw new InvalidError(`${at}.url must be a URL, not an image of the Image service`);
  }
  if (wait !== null && !(Number.isSafeInteger(wait) && Number(wait) >= 1)) {
    throw new InvalidError(`${at}.wait must be a number of seconds from 1 on`);
  }
  return {
    component,
    url,
    wait: wait === null ? null : Number(wait),
    // `hex`, whose length tells the algorithm, or `algorithm:hex`.
    checksum: isAbsent(checksum)
      ? null
      : parseValue(checksum, undefined, `${at}.checksum`, { allowMd5: false }),
    source: sourceOf(source, at),
  };
}

function sourceOf(source: Json, at: string): FirmwareSource | null {
  if (isAbsent(source)) return null;
  const known = FIRMWARE_SOURCES.find((one) => one === source);
  if (known) return known;
  throw new InvalidError(`${at}.source must be one of ${FIRMWARE_SOURCES.join(', ')}`);
}

/** The last part of a URL's path, for a file name and for messages: without query and login. */
export function fileNameOf(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : url;
  const name =
    path
      .split('/')
      .at(-1)
      ?.replace(/[^\w.+-]/g, '_') ?? '';
  return name.slice(-80) || 'firmware';
}
