import type { CommandError } from '../../src/protocol/agent/command.js';

/** An error in the form that conductors match on: type and message are upstream's (ironic_python_agent/errors.py). */
export class AgentError extends Error {
  constructor(
    /** Upstream's class name. */
    readonly type: string,
    /** HTTP status, and `code` in a command's error. */
    readonly status: number,
    /** Upstream's fixed text of the class, without a period. */
    readonly summary: string,
    readonly details: string,
    options?: ErrorOptions,
  ) {
    super(`${summary}: ${details}`, options);
    this.name = type;
  }

  toWire(): CommandError {
    return { type: this.type, code: this.status, message: this.summary, details: this.details };
  }
}

const family =
  (type: string, status: number, summary: string) =>
  (details: string, options?: ErrorOptions): AgentError =>
    new AgentError(type, status, summary, details, options);

export const invalidCommand = family('InvalidCommandError', 400, 'Invalid command');
export const invalidCommandParams = family('InvalidCommandParamsError', 400, 'Invalid command parameters');
export const objectNotFound = (kind: string, id: string) =>
  new AgentError('RequestedObjectNotFoundError', 404, 'Not found', `${kind} with id ${id} not found.`);
export const agentIsBusy = (command: string) =>
  new AgentError('AgentIsBusy', 409, 'Agent is busy', `executing command ${command}`);
export const commandExecution = family('CommandExecutionError', 500, 'Command execution failed');
export const imageDownload = (image: string, why: string, options?: ErrorOptions) =>
  new AgentError(
    'ImageDownloadError',
    500,
    'Error downloading image',
    `Download of image ${image} failed: ${why}`,
    options,
  );
export const imageChecksum = (location: string, image: string, expected: string, actual: string) =>
  new AgentError(
    'ImageChecksumError',
    500,
    'Error verifying image checksum',
    `Image failed to verify against checksum. location: ${location}; image ID: ${image}; ` +
      `image checksum: ${expected}; verification checksum: ${actual}`,
  );
export const imageWrite = (device: string, why: string, options?: ErrorOptions) =>
  new AgentError(
    'ImageWriteError',
    500,
    'Error writing image to device',
    `Writing image to device ${device} failed: ${why}`,
    options,
  );
export const invalidImage = family('InvalidImage', 500, 'The provided image is not valid for use');
export const deployment = family('DeploymentError', 500, 'Deploy step failed');
export const cleaning = family('CleaningError', 500, 'Clean step failed');
export const blockDeviceErase = family('BlockDeviceEraseError', 500, 'Error erasing block device');
export const softwareRaidError = family('SoftwareRAIDError', 500, 'Error creating or deleting Software RAID');
export const protectedDevice = family(
  'ProtectedDeviceError',
  500,
  'Protected device located, cleaning aborted.',
);
export const incompatibleMethod = family(
  'IncompatibleHardwareMethodError',
  500,
  'HardwareManager method is not compatible with hardware',
);
export const methodNotFound = (method: string) =>
  new AgentError(
    'HardwareManagerMethodNotFound',
    500,
    'No HardwareManager found to handle method',
    `Could not find method: ${method}`,
  );
export const deviceNotFound = family(
  'DeviceNotFound',
  404,
  'Error finding the disk or partition device to deploy the image onto',
);
export const systemReboot = family('SystemRebootError', 500, 'Error rebooting system');
/** The steps were listed by another version of this agent; conductors then restart cleaning. */
export const versionMismatch = (agent: unknown, node: unknown) =>
  new AgentError(
    'VersionMismatch',
    409,
    'Hardware managers version mismatch, reload agent with correct version',
    `Current versions: ${JSON.stringify(agent)}, versions used by ironic: ${JSON.stringify(node)}`,
  );

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Converts any error to one that conductors can read. */
export function toAgentError(error: unknown): AgentError {
  return error instanceof AgentError ? error : commandExecution(messageOf(error), { cause: error });
}

/** The agent gives up; init restarts it. */
export class AgentStopped extends Error {}
