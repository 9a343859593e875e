import { z } from 'zod';
import type { ProvisionArguments } from '../../../conductor/service/request.js';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import { isObject, type JsonObject } from '../../../domain/json.js';
import { holderOf } from '../../../domain/node/holder.js';
import { isProvisionVerb } from '../../../domain/provision/machine.js';
import { illegalVerb, moveOrRefusal, refusalBeforeState } from '../../../domain/provision/refusal.js';
import { type ProvisionVerb, VERBS } from '../../../domain/provision/table.js';
import { STEP_INTERFACES } from '../../../domain/step/step.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { type Microversion, versionOf } from '../../microversion/microversion.js';
import { FLAG, type JsonSchema, objectOf, TEXT } from '../../openapi/json-schema.js';
import { readFlag, readText, refuseUnknown, required } from '../../request/arguments.js';
import { shorten } from '../../request/value.js';
import { objectBody } from '../../resource/write.js';

/** `PUT states/provision`: the arguments of each verb (Ironic: NodeStatesController.provision). */

const STEPS: JsonSchema = { type: ['array', 'null'], items: { type: 'object' } };
const KNOWN = [
  'target',
  'configdrive',
  'clean_steps',
  'deploy_steps',
  'service_steps',
  'rescue_password',
  'disable_ramdisk',
  'runbook',
];
export const PROVISION: JsonSchema = objectOf(
  {
    target: { enum: Object.keys(VERBS) },
    configdrive: { type: ['object', 'string', 'null'] },
    clean_steps: STEPS,
    deploy_steps: STEPS,
    service_steps: STEPS,
    rescue_password: TEXT,
    disable_ramdisk: FLAG,
    runbook: TEXT,
  },
  ['target'],
);
const BASE64 = /^[A-Za-z0-9+/=\n\r\t ]*$/;

const cleanSteps = z.array(
  z.strictObject({
    interface: z.enum(STEP_INTERFACES),
    step: z.string().min(1).max(255),
    args: z.record(z.string(), z.json()).optional(),
  }),
);
const deploySteps = z.array(
  z.strictObject({
    interface: z.enum(STEP_INTERFACES),
    step: z.string().min(1).max(255),
    args: z.record(z.string(), z.json()),
    priority: z.union([
      z.int().min(0),
      z
        .string()
        .regex(/^\d{1,9}$/)
        .transform(Number),
    ]),
  }),
);
const configDrive = z.strictObject({
  meta_data: z.record(z.string(), z.json()).optional(),
  network_data: z.record(z.string(), z.json()).optional(),
  user_data: z.union([z.record(z.string(), z.json()), z.array(z.json()), z.string(), z.null()]).optional(),
  vendor_data: z.record(z.string(), z.json()).optional(),
});

const newer = (message = 'Request not acceptable.') => new FerricError('not-acceptable', message);

/**
 * Reads the verb alone: its legality in the node's state is checked before the other arguments.
 * @throws InvalidError, LockedError, FerricError not-acceptable
 */
export function readVerb(node: Node, body: unknown, version: Microversion, now: number) {
  const given = objectBody('provision', body);
  refuseUnknown(given, KNOWN);
  const target = required('target', readText(given, 'target', 100));
  return { given, target, verb: verbOf(node, target, version, now) };
}

/**
 * @param body without a runbook, whose steps have replaced it
 * @throws InvalidError, LockedError, FerricError not-acceptable
 */
export function readProvision(
  node: Node,
  body: unknown,
  version: Microversion,
  now: number,
): { verb: ProvisionVerb; args: ProvisionArguments } {
  const { given, target, verb } = readVerb(node, body, version, now);
  const args: ProvisionArguments = {};
  const drive = given['configdrive'] ?? null;
  if (drive !== null && drive !== '') args.configdrive = readConfigDrive(drive, target, version);
  const disable = readFlag(given, 'disable_ramdisk');
  if (disable !== null) args.disable_ramdisk = readDisableRamdisk(disable, target, version);
  const clean = readList(given, 'clean_steps');
  if (clean && target !== 'clean') {
    throw new InvalidError('"clean_steps" is only valid when setting target provision state to clean');
  }
  if (target === 'clean') {
    if (!clean) {
      throw new InvalidError('"clean_steps" is required when setting target provision state to clean');
    }
    args.clean_steps = steps(cleanSteps, clean, 'clean_steps') as NonNullable<
      ProvisionArguments['clean_steps']
    >;
  }
  const password = readText(given, 'rescue_password', 1024);
  if (password !== null && target !== 'rescue') {
    throw new InvalidError('"rescue_password" is only valid when setting target provision state to rescue');
  }
  if (target === 'rescue') args.rescue_password = readRescuePassword(password);
  const service = readList(given, 'service_steps');
  if (service && target !== 'service') {
    throw new InvalidError('"service_steps" is only valid when setting target provision state to service');
  }
  if (target === 'service') {
    if (!service) {
      throw new InvalidError('"service_steps" is required when setting target provision state to service');
    }
    args.service_steps = steps(cleanSteps, service, 'service_steps') as NonNullable<
      ProvisionArguments['service_steps']
    >;
  }
  const deploy = readList(given, 'deploy_steps');
  if (deploy) {
    if (!version.does('deploySteps')) {
      throw newer(
        `Request not acceptable. The minimal required API version should be ${versionOf('deploySteps')}`,
      );
    }
    if (target !== 'active' && target !== 'rebuild') {
      throw new InvalidError(
        '"deploy_steps" is only valid when setting target provision state to active or rebuild',
      );
    }
    args.deploy_steps = steps(deploySteps, deploy, 'deploy_steps') as NonNullable<
      ProvisionArguments['deploy_steps']
    >;
  }
  return { verb, args };
}

function verbOf(node: Node, target: string, version: Microversion, now: number): ProvisionVerb {
  const state = node.provision_state;
  if (!isProvisionVerb(target)) throw illegalVerb(node, target, shorten(target));
  // For the newest verbs Ironic checks the version after the state (node.py, provision).
  const late = target === 'unhold' || target === 'service';
  if (!late && !version.has(VERBS[target].since)) throw newer();
  const refusal = refusalBeforeState(node, target);
  if (refusal) throw refusal;
  const move = moveOrRefusal(node, target, holderOf(node, now), shorten(target));
  if (move instanceof Error) throw move;
  if (late && !version.has(VERBS[target].since)) throw newer();
  if (target === 'abort') {
    if (state === 'inspect wait' && !version.does('inspectAbort')) throw newer();
    if (state === 'wait call-back' && !version.does('deployAbort')) throw newer();
  }
  return target;
}

function readRescuePassword(password: string | null): string {
  if (!password?.trim()) {
    throw new InvalidError(
      'A non-empty "rescue_password" is required when setting target provision state to rescue',
    );
  }
  return password;
}

function readConfigDrive(drive: unknown, target: string, version: Microversion): string | JsonObject {
  const allowed = version.does('rebuildWithConfigDrive') ? ['active', 'rebuild'] : ['active'];
  if (!allowed.includes(target)) {
    throw new InvalidError(
      `Adding a config drive is only supported when setting provision state to ${allowed.join(', ')}`,
    );
  }
  if (typeof drive === 'string') {
    if (!drive.includes('://') && !BASE64.test(drive)) {
      throw new InvalidError(
        'Invalid configdrive format: it is neither a JSON, nor a URL, nor a base64 string',
      );
    }
    return drive;
  }
  const read = configDrive.safeParse(drive);
  if (!isObject(drive) || !read.success) {
    const where = read.error?.issues[0]?.path.join('.') || 'it is not an object of known keys';
    throw new InvalidError(`Invalid configdrive format: ${where}`);
  }
  const needs = (behaviour: 'configDriveObject' | 'configDriveVendorData', what: string) => {
    if (version.does(behaviour)) return;
    throw new InvalidError(
      `Providing ${what} is only supported starting with API version ${versionOf(behaviour)}`,
    );
  };
  needs('configDriveObject', 'a JSON object for configdrive');
  if ('vendor_data' in drive) needs('configDriveVendorData', 'vendor_data in configdrive');
  return drive as JsonObject;
}

function readDisableRamdisk(disable: boolean, target: string, version: Microversion): boolean {
  if (target !== 'clean' && target !== 'service') {
    throw new InvalidError('disable_ramdisk is supported only with manual cleaning or servicing');
  }
  if (!version.does(target === 'clean' ? 'cleanDisableRamdisk' : 'serviceDisableRamdisk')) {
    throw newer('disable_ramdisk is not acceptable in this API version');
  }
  return disable;
}

/** An empty list counts as none. */
function readList(given: Readonly<Record<string, unknown>>, name: string): unknown[] | null {
  const value = given[name] ?? null;
  if (value === null) return null;
  if (!Array.isArray(value)) throw new InvalidError(`Expected a list for ${name}`);
  if (value.length > 100) throw new InvalidError(`Too many steps in ${name}`);
  return value.length > 0 ? value : null;
}

function steps<T>(schema: z.ZodType<T>, value: unknown[], name: string): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new InvalidError(`Invalid ${name}: ${issue!.message} (${issue!.path.join('.')})`);
}
