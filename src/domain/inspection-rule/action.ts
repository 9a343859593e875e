import { InvalidError, messageOf } from '../errors.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import { sameJson } from '../node/json-patch.js';
import { type RuleContext, settleArguments } from './arguments.js';
import { pythonText } from './format.js';
import type { RuleAction } from './rule.js';
import { ACTIONS, type ActionName } from './signature.js';

const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type RuleLogLevel = (typeof LEVELS)[number];

/** The data of an inspection. Rules change it in place. */
export interface Inspected {
  /** Attributes that rules may read and write. */
  readonly node: JsonObject;
  /** Ports of the node, each with its `uuid`. */
  readonly ports: JsonObject[];
  readonly traits: Set<string>;
  readonly inventory: JsonObject;
  readonly plugin_data: JsonObject;
}

/** Effects of rules outside the inspection's data. */
export interface RuleEffects {
  log(level: RuleLogLevel, text: string): void;
  /** GETs a URL. `timeout` in seconds. @throws for an error status, or without a response */
  call(
    url: string,
    options: { headers: JsonObject; proxies: JsonObject; timeout: number; retries: number },
  ): Promise<void>;
}

/**
 * Performs an action of a rule. Source: ironic/common/inspection_rules/actions.py.
 * @throws InvalidError, which ends the inspection
 */
export async function act(
  action: RuleAction,
  inspected: Inspected,
  context: RuleContext,
  effects: RuleEffects,
): Promise<void> {
  const { op, args, loop } = action;
  const name = op as ActionName;
  const items =
    loop === undefined ? [] : Array.isArray(loop) ? loop : Object.keys(loop).length > 0 ? [loop] : [];
  const contexts = items.length > 0 ? items.map((item) => ({ ...context, item })) : [context];
  for (const each of contexts) {
    const given = settleArguments(name, ACTIONS[name], args, each);
    await DOERS[name](given, inspected, effects);
  }
}

type Doer = (given: JsonObject, inspected: Inspected, effects: RuleEffects) => void | Promise<void>;

const DOERS: Readonly<Record<ActionName, Doer>> = {
  fail: ({ msg }) => {
    throw new InvalidError(`Failed to inspect hardware. Reason: ${pythonText(msg!)}`);
  },
  log: ({ msg, level = 'info' }, _inspected, effects) => {
    const wanted = LEVELS.find((one) => one === pythonText(level).toLowerCase());
    if (!wanted) throw fault(`Invalid log level: ${pythonText(level)}. Choose from ${LEVELS.join(', ')}`);
    effects.log(wanted, pythonText(msg!));
  },
  'set-attribute': ({ path, value }, { node }) =>
    doing(`set attribute ${pythonText(path!)}`, () => set(node, rooted(node, path!), value!)),
  'extend-attribute': ({ path, value, unique }, { node }) =>
    doing(`extend attribute ${pythonText(path!)}`, () => extend(node, rooted(node, path!), value!, unique)),
  'del-attribute': ({ path }, { node }) =>
    doing(`delete attribute at ${pythonText(path!)}`, () => remove(node, rooted(node, path!))),
  'set-capability': ({ name, value }, { node }) =>
    doing(`set capability ${pythonText(name!)}`, () => {
      const properties = objectAt(node, 'properties');
      const before = capabilitiesOf(properties);
      properties['capabilities'] = [...before, `${pythonText(name!)}:${pythonText(value!)}`].join(',');
    }),
  'unset-capability': ({ name }, { node }) =>
    doing(`unset capability ${pythonText(name!)}`, () => {
      const properties = objectAt(node, 'properties');
      const kept = capabilitiesOf(properties).filter((one) => !one.startsWith(`${pythonText(name!)}:`));
      properties['capabilities'] = kept.join(',');
    }),
  'add-trait': ({ name }, { traits }) => void traits.add(pythonText(name!)),
  'remove-trait': ({ name }, { traits }, effects) => {
    if (!traits.delete(pythonText(name!)))
      effects.log('warning', `The node has no trait ${pythonText(name!)}.`);
  },
  'set-plugin-data': ({ path, value }, { plugin_data }) =>
    doing(`set plugin data at ${pythonText(path!)}`, () => set(plugin_data, dotted(path!), value!)),
  'extend-plugin-data': ({ path, value, unique }, { plugin_data }) =>
    doing(`extend plugin data at ${pythonText(path!)}`, () =>
      extend(plugin_data, dotted(path!), value!, unique),
    ),
  'unset-plugin-data': ({ path }, { plugin_data }, effects) =>
    doing(`unset plugin data at ${pythonText(path!)}`, () => {
      if (!unset(plugin_data, dotted(path!))) effects.log('warning', `Path ${pythonText(path!)} not found`);
    }),
  'set-port-attribute': ({ port_id, path, value }, { ports }) => {
    const port = portOf(ports, port_id!);
    doing(`set attribute ${pythonText(path!)} for port ${pythonText(port_id!)}`, () =>
      set(port, rooted(port, path!), value!),
    );
  },
  'extend-port-attribute': ({ port_id, path, value, unique }, { ports }) => {
    const port = portOf(ports, port_id!);
    doing(`extend attribute ${pythonText(path!)} for port ${pythonText(port_id!)}`, () =>
      extend(port, rooted(port, path!), value!, unique),
    );
  },
  'del-port-attribute': ({ port_id, path }, { ports }) => {
    const port = portOf(ports, port_id!);
    doing(`delete attribute ${pythonText(path!)} for port ${pythonText(port_id!)}`, () =>
      remove(port, rooted(port, path!)),
    );
  },
  'api-call': async ({ url, headers, proxies, timeout = 5, retries = 3 }, _inspected, effects) => {
    const seconds = Number(timeout);
    const times = Number(retries);
    if (!(seconds > 0)) throw fault('Invalid parameter: timeout must be greater than zero');
    if (!Number.isInteger(times) || times < 0)
      throw fault('Invalid parameter: retries must be a whole number');
    const options = {
      headers: objectOr(headers),
      proxies: objectOr(proxies),
      timeout: seconds,
      retries: times,
    };
    try {
      await effects.call(pythonText(url!), options);
    } catch (error) {
      throw fault(`Request to ${pythonText(url!)} failed: ${messageOf(error)}`);
    }
  },
};

function doing(what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw fault(`Failed to ${what}: ${messageOf(error)}`);
  }
}

/** Splits a path at slashes, or at dots where it has no slash; the first part must be an existing attribute. */
function rooted(object: JsonObject, path: Json): string[] {
  const text = pythonText(path);
  const parts = text.includes('/') ? text.replaceAll(/^\/+|\/+$/g, '').split('/') : text.split('.');
  if (!Object.hasOwn(object, parts[0]!)) throw new InvalidError(`there is no attribute ${parts[0]}`);
  return parts;
}

function dotted(path: Json): string[] {
  return Array.isArray(path) ? path.map(pythonText) : pythonText(path).split('.');
}

function set(object: JsonObject, parts: readonly string[], value: Json): void {
  const last = parts.at(-1)!;
  refuseProto(parts);
  parentOf(object, parts)[last] = structuredClone(value);
}

function extend(object: JsonObject, parts: readonly string[], value: Json, unique: Json | undefined): void {
  refuseProto(parts);
  const parent = parentOf(object, parts);
  const last = parts.at(-1)!;
  const current = parent[last] ?? [];
  if (!Array.isArray(current)) throw new InvalidError('Cannot extend non-list attribute');
  if (unique !== true || !current.some((one) => sameJson(one, value))) current.push(structuredClone(value));
  parent[last] = current;
}

function remove(object: JsonObject, parts: readonly string[]): void {
  if (parts.length === 1) throw new InvalidError('an attribute itself cannot be deleted');
  refuseProto(parts);
  let at: Json = object;
  for (const part of parts.slice(0, -1)) at = member(at, part);
  member(at, parts.at(-1)!);
  delete (at as JsonObject)[parts.at(-1)!];
}

function member(at: Json, part: string): Json {
  if (at === null || typeof at !== 'object' || Array.isArray(at) || !Object.hasOwn(at, part)) {
    throw new InvalidError(`there is no '${part}'`);
  }
  return at[part]!;
}

/** Also removes a dictionary that becomes empty. @returns whether the value existed */
function unset(object: JsonObject, parts: readonly string[]): boolean {
  const trail: JsonObject[] = [object];
  for (const part of parts.slice(0, -1)) {
    const below: Json | undefined = Object.hasOwn(trail.at(-1)!, part) ? trail.at(-1)![part] : undefined;
    if (below === null || typeof below !== 'object' || Array.isArray(below)) return false;
    trail.push(below);
  }
  const parent = trail.at(-1)!;
  const last = parts.at(-1)!;
  if (!Object.hasOwn(parent, last)) return false;
  if (Object.keys(parent).length === 1 && trail.length > 1) delete trail.at(-2)![parts.at(-2)!];
  else delete parent[last];
  return true;
}

/** Creates missing dictionaries on the path. */
function parentOf(object: JsonObject, parts: readonly string[]): JsonObject {
  let at = object;
  for (const part of parts.slice(0, -1)) {
    const below: Json = Object.hasOwn(at, part) ? (at[part] ?? {}) : {};
    if (!isObject(below)) {
      throw new InvalidError(`'${part}' is not an object`);
    }
    at[part] = below;
    at = below;
  }
  return at;
}

function refuseProto(parts: readonly string[]): void {
  if (parts.includes('__proto__')) throw new InvalidError('the key "__proto__" is not allowed');
}

function objectAt(node: JsonObject, name: string): JsonObject {
  const value = node[name];
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new InvalidError(`${name} is not an object`);
  }
  return value;
}

function objectOr(value: Json | undefined): JsonObject {
  return value && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function capabilitiesOf({ capabilities }: JsonObject): string[] {
  return typeof capabilities === 'string' && capabilities !== '' ? capabilities.split(',') : [];
}

function portOf(ports: readonly JsonObject[], id: Json): JsonObject {
  const port = ports.find(({ uuid }) => uuid === id);
  if (!port) throw new InvalidError(`Port ${pythonText(id)} could not be found.`);
  return port;
}

function fault(reason: string): InvalidError {
  return new InvalidError(`Inspection rule action execution failed. Reason: ${reason}`);
}
