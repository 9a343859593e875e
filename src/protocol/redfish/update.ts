import type { JsonObject } from '../json.js';
import { type Action, actionOf } from './action.js';
import { type ExtendedMessage, hasMessage } from './error-body.js';
import { booleanOf, linkOf, numberOf, partOf, pathOf, type Resource, textOf, type Uri } from './resource.js';

/** The ways in which a service takes firmware images (DSP0268, UpdateService; DSP2062). */
export interface UpdateService {
  /** The service downloads an image itself. */
  readonly simpleUpdate: Action | undefined;
  /** Path that takes an image as multipart/form-data. */
  readonly multipart: Uri | undefined;
  readonly inventory: Uri | undefined;
  /** False: updates are turned off, or another client holds the service (HttpPushUriTargetsBusy). */
  readonly ready: boolean;
  /** Greatest size of an image, bytes; undefined: not told. */
  readonly mostBytes: number | undefined;
}

export function readUpdateService(service: Resource): UpdateService {
  const mostBytes = numberOf(service, 'MaxImageSizeBytes');
  return {
    simpleUpdate: actionOf(service, 'UpdateService.SimpleUpdate'),
    multipart: pathOf(service['MultipartHttpPushUri']),
    inventory: linkOf(service, 'FirmwareInventory'),
    ready:
      booleanOf(service, 'ServiceEnabled') !== false && booleanOf(service, 'HttpPushUriTargetsBusy') !== true,
    mostBytes: mostBytes !== undefined && mostBytes > 0 ? mostBytes : undefined,
  };
}

/**
 * The body of SimpleUpdate.
 * @param protocols allowed values of TransferProtocol; undefined: the service lists none
 * @returns undefined for a URL whose protocol the service does not support
 */
export function simpleUpdateBody(
  url: string,
  targets: readonly Uri[],
  protocols: readonly string[] | undefined,
): JsonObject | undefined {
  const protocol = new URL(url).protocol.replace(/:$/, '').toUpperCase();
  if (protocols && !protocols.includes(protocol)) return undefined;
  return {
    ImageURI: url,
    TransferProtocol: protocol,
    ...(targets.length > 0 ? { Targets: [...targets] } : {}),
  };
}

/** What stands before and after the image in a request to MultipartHttpPushUri (DSP0266 §12.5.2, RFC 7578). */
export interface UpdateFrame {
  /** Content-Type of the request. */
  readonly type: string;
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** @param boundary must not occur in the image; random characters of RFC 2046 §5.1.1 */
export function updateFrame(boundary: string, fileName: string, targets: readonly Uri[]): UpdateFrame {
  const part = (name: string, type: string, file = '') =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\nContent-Type: ${type}\r\n\r\n`;
  const head =
    `${part('UpdateParameters', 'application/json')}${JSON.stringify({ Targets: targets })}\r\n` +
    part('UpdateFile', 'application/octet-stream', `; filename="${fileName.replace(/[^\w.+-]/g, '_')}"`);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    head: new TextEncoder().encode(head),
    tail: new TextEncoder().encode(`\r\n--${boundary}--\r\n`),
  };
}

/** States in which a task waits: mostly for the reset of the machine that applies a staged image. */
const WAITING = ['new', 'starting', 'pending', 'suspended', 'scheduled'];

/** @param state TaskState or JobState */
export function isWaiting(state: string): boolean {
  return WAITING.includes(state.toLowerCase());
}

/** Whether the service says that it never reached the image's server (DSP8011, Base), so it has nothing of the image. */
export function isUnreached(messages: readonly ExtendedMessage[]): boolean {
  return hasMessage(messages, 'CouldNotEstablishConnection');
}

/** Whether a new task may be that of an update: some services tell the request that started it (Task.Payload). */
export function mayBeOfUpdate(task: Resource, target: Uri): boolean {
  const started = textOf(partOf(task, 'Payload'), 'TargetUri');
  return started === undefined || started === target;
}
