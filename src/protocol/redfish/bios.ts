import type { Json, JsonObject } from '../json.js';
import { booleanOf, numberOf, partOf, partsOf, type Resource, textOf } from './resource.js';

/** An attribute as its registry describes it (DSP0268, AttributeRegistry). */
export interface Attribute {
  readonly name: string;
  readonly type: string | undefined;
  readonly values: readonly string[] | undefined;
  readonly lowerBound: number | undefined;
  readonly upperBound: number | undefined;
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly readOnly: boolean | undefined;
  readonly resetRequired: boolean | undefined;
  readonly unique: boolean | undefined;
}

export type Registry = ReadonlyMap<string, Attribute>;

export function readRegistry(resource: Resource): Registry {
  const attributes = partsOf(partOf(resource, 'RegistryEntries'), 'Attributes');
  const all = attributes.map(readAttribute).filter((attribute) => attribute !== undefined);
  return new Map(all.map((attribute) => [attribute.name, attribute]));
}

function readAttribute(entry: Resource): Attribute | undefined {
  const name = textOf(entry, 'AttributeName');
  if (name === undefined) return undefined;
  const values = partsOf(entry, 'Value').flatMap((value) => textOf(value, 'ValueName') ?? []);
  return {
    name,
    type: textOf(entry, 'Type'),
    values: values.length > 0 ? values : undefined,
    lowerBound: numberOf(entry, 'LowerBound'),
    upperBound: numberOf(entry, 'UpperBound'),
    minLength: numberOf(entry, 'MinLength'),
    maxLength: numberOf(entry, 'MaxLength'),
    readOnly: booleanOf(entry, 'ReadOnly'),
    resetRequired: booleanOf(entry, 'ResetRequired'),
    unique: booleanOf(entry, 'IsSystemUniqueProperty'),
  };
}

/** Attributes of a Bios resource. HPE and Supermicro omit the object if nothing is pending. */
export function readAttributes(bios: Resource | undefined): JsonObject {
  const attributes = partOf(bios, 'Attributes') ?? {};
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.includes('@')));
}

/** A setting as the Bare Metal API shows it (since 1.74 with the registry's data): values are texts there. */
export interface ShownSetting {
  name: string;
  value: string | null;
  attribute_type: string | null;
  allowable_values: string[] | null;
  lower_bound: number | null;
  upper_bound: number | null;
  min_length: number | null;
  max_length: number | null;
  read_only: boolean | null;
  reset_required: boolean | null;
  unique: boolean | null;
}

/**
 * Whether an attribute is a password, which is neither shown nor compared: by its registry, else by its name.
 * @param isSecretName the rule for an attribute whose type is unknown
 */
function isPassword(name: string, registry: Registry | undefined, isSecretName: NameRule): boolean {
  const type = registry?.get(name)?.type;
  return type === undefined ? isSecretName(name) : type === 'Password';
}

type NameRule = (name: string) => boolean;

export function biosSettings(
  attributes: JsonObject,
  registry: Registry | undefined,
  isSecretName: NameRule,
): ShownSetting[] {
  return Object.entries(attributes).map(([name, value]) => {
    const known = registry?.get(name);
    return {
      name,
      value: value === null || isPassword(name, registry, isSecretName) ? null : shownValue(value),
      attribute_type: known?.type ?? null,
      allowable_values: known?.values ? [...known.values] : null,
      lower_bound: known?.lowerBound ?? null,
      upper_bound: known?.upperBound ?? null,
      min_length: known?.minLength ?? null,
      max_length: known?.maxLength ?? null,
      read_only: known?.readOnly ?? null,
      reset_required: known?.resetRequired ?? null,
      unique: known?.unique ?? null,
    };
  });
}

function shownValue(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * The requested values in the BMC's types: a text for an integer or a boolean is converted.
 * @param asked name to value, as in the step's argument
 * @param attributes the BMC's current attributes; unless empty, an attribute that is not among them is refused
 * @returns the attributes to send, and every fault with the attribute's name and without a password
 */
export function checkAttributes(
  asked: JsonObject,
  attributes: JsonObject,
  registry: Registry | undefined,
  isSecretName: NameRule,
): { attributes: JsonObject; faults: string[] } {
  const faults: string[] = [];
  const checked: JsonObject = {};
  for (const [name, value] of Object.entries(asked)) {
    const known = registry?.get(name);
    if (!Object.hasOwn(attributes, name) && !known) {
      faults.push(`${name}: the BIOS has no such attribute`);
      continue;
    }
    const converted = converts(value, known, attributes[name]);
    const shown = isPassword(name, registry, isSecretName) ? 'the value' : JSON.stringify(converted ?? value);
    const fault =
      converted === undefined
        ? `${shown} is no ${typeOf(known, attributes[name]).toLowerCase()}`
        : faultOf(converted, known, shown);
    if (fault === undefined && converted !== undefined) checked[name] = converted;
    else faults.push(`${name}: ${fault}`);
  }
  return { attributes: checked, faults };
}

function typeOf(known: Attribute | undefined, now: Json | undefined): string {
  if (known?.type) return known.type;
  if (typeof now === 'boolean') return 'Boolean';
  return typeof now === 'number' ? 'Integer' : 'String';
}

function converts(value: Json, known: Attribute | undefined, now: Json | undefined): Json | undefined {
  switch (typeOf(known, now)) {
    case 'Integer': {
      const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
      return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
    }
    case 'Boolean': {
      if (typeof value === 'boolean') return value;
      const word = String(value).toLowerCase();
      return word === 'true' ? true : word === 'false' ? false : undefined;
    }
    default:
      if (typeof value === 'string') return value;
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  }
}

/** @param shown the value in words */
function faultOf(value: Json, known: Attribute | undefined, shown: string): string | undefined {
  if (!known) return undefined;
  if (known.readOnly) return 'it is read-only';
  if (typeof value === 'string') {
    if (known.type === 'Enumeration' && known.values && !known.values.includes(value)) {
      return `${shown} is not one of ${known.values.join(', ')}`;
    }
    const length = [...value].length;
    if (known.minLength !== undefined && length < known.minLength) {
      return `${shown} is shorter than ${known.minLength} characters`;
    }
    // Some registries write 0 for "no limit".
    if (known.maxLength && length > known.maxLength)
      return `${shown} is longer than ${known.maxLength} characters`;
  }
  if (typeof value === 'number') {
    if (known.lowerBound !== undefined && value < known.lowerBound)
      return `${shown} is less than ${known.lowerBound}`;
    const bounded = known.upperBound !== undefined && known.upperBound > (known.lowerBound ?? 0);
    if (bounded && value > known.upperBound!) return `${shown} is more than ${known.upperBound}`;
  }
  return undefined;
}

/** Attributes that can be compared with what the BMC shows: a password is never shown. */
export function comparable(
  attributes: JsonObject,
  registry: Registry | undefined,
  isSecretName: NameRule,
): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !isPassword(name, registry, isSecretName)),
  );
}

/**
 * Whether the firmware has come so far that a change of settings has been applied (ComputerSystem.BootProgress, LastState).
 * A state of the maker's own, and none at all, count as such.
 */
export function isPastSetup(system: Resource): boolean {
  const state = textOf(partOf(system, 'BootProgress'), 'LastState');
  return state === undefined || PAST_SETUP.includes(state);
}

const PAST_SETUP = [
  'SystemHardwareInitializationComplete',
  'SetupEntered',
  'OSBootStarted',
  'OSRunning',
  'OEM',
];

/** Requested attributes whose value in `now` differs: name to the current value. */
export function differing(asked: JsonObject, now: JsonObject): Record<string, Json | undefined> {
  return Object.fromEntries(
    Object.entries(asked)
      .filter(([name, value]) => !Object.hasOwn(now, name) || String(now[name]) !== String(value))
      .map(([name]) => [name, now[name]]),
  );
}

/**
 * An attribute that is not as requested, in words. The requested value is not quoted where it may be a password: the type
 * is unknown, and the BMC shows null, as DSP0268 requires of a password.
 */
export function unlike(
  name: string,
  now: Json | undefined,
  asked: Json | undefined,
  registry: Registry | undefined,
): string {
  const mayBePassword = registry?.get(name)?.type === undefined && (now ?? null) === null;
  return `${name} is ${JSON.stringify(now ?? null)}, not ${mayBePassword ? 'the requested value' : JSON.stringify(asked)}`;
}
