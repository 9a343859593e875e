import { parse } from 'yaml';
import { readText } from '../../image-build/session/input-file.js';
import type { Json, JsonObject } from '../../src/domain/json.js';
import { UsageError } from '../usage-error.js';

export interface StepOptions {
  step?: string[];
  steps?: string;
  runbook?: string;
  /** false: `--no-ramdisk`. */
  ramdisk?: boolean;
}

/**
 * What the request says of its steps: a runbook, or a list in Ironic's form (`interface`, `step`, `args`).
 * @param key field of the list in the request
 * @throws UsageError
 */
export function stepsOf(options: StepOptions, key: 'clean_steps' | 'service_steps'): JsonObject {
  const { step, steps, runbook, ramdisk } = options;
  if ([step, steps, runbook].filter((given) => given !== undefined).length !== 1)
    throw new UsageError('one of --step, --steps and --runbook says what is done');
  return {
    ...(runbook === undefined ? { [key]: step?.map(stepOf) ?? stepsIn(steps!) } : { runbook }),
    ...(ramdisk === false ? { disable_ramdisk: true } : {}),
  };
}

/** `deploy.erase_devices`, or with arguments `raid.create_configuration:{"create_root_volume": true}`. */
function stepOf(given: string): JsonObject {
  const [, type, step, args] = /^(\w+)\.([\w-]+)(?::(.*))?$/s.exec(given) ?? [];
  if (type === undefined || step === undefined)
    throw new UsageError(`--step is INTERFACE.STEP or INTERFACE.STEP:{"argument": value}, not ${given}`);
  return { interface: type, step, ...(args === undefined ? {} : { args: argumentsOf(args, given) }) };
}

function argumentsOf(text: string, given: string): JsonObject {
  const value = parsed(text, `--step ${given}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`--step ${given}: the arguments are no object of JSON`);
  return value;
}

function stepsIn(file: string): Json[] {
  const value = parsed(readText(file, '--steps'), `--steps ${file}`);
  if (!Array.isArray(value)) throw new UsageError(`--steps ${file} is no list of steps`);
  return value;
}

/** YAML, and so JSON, too. */
function parsed(text: string, what: string): Json {
  try {
    return parse(text) as Json;
  } catch (error) {
    throw new UsageError(`${what} is neither YAML nor JSON: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** The password's line. @throws UsageError */
export function passwordIn(file: string | undefined): string {
  if (file === undefined)
    throw new UsageError('--password-file names the file with the password of the rescue user');
  const [line = ''] = readText(file, '--password-file').split(/\r?\n/);
  if (line === '') throw new UsageError(`--password-file ${file} has no password in its first line`);
  return line;
}
