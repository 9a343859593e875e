import { z } from 'zod';
import { InvalidError } from '../../domain/errors.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import { isTrait } from '../../domain/node/trait.js';
import { STEP_INTERFACES, type StepInterface } from '../../domain/step/step.js';
import { shorten } from '../request/value.js';

/** Schemas of lists that clients write; messages as in schema.ts. */

const MOST_ITEMS = 1000;

/** @param check returns the error of a list, or null */
function checked<T>(check: (items: unknown[]) => string | null, read: (items: unknown[]) => T) {
  return z.unknown().transform((value, context): T => {
    const fault = !Array.isArray(value)
      ? `a ${typeof value} is not of type 'array'`
      : value.length > MOST_ITEMS
        ? 'it has too many items'
        : check(value);
    if (fault === null) return read(value as unknown[]);
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  });
}

const notText = (items: unknown[]): string | null =>
  items.every((item) => typeof item === 'string') ? null : "an item is not of type 'string'";

export const wordList = () => checked(notText, (items) => items as string[]).nullable();

/** @returns the error of a trait's name, or null */
export function traitFault(item: unknown): string | null {
  if (typeof item !== 'string') return "a trait is not of type 'string'";
  return isTrait(item) ? null : `'${shorten(item)}' is not valid under any of the given schemas`;
}

/** Standard traits and `CUSTOM_` ones, each once. */
export const traitList = () =>
  checked(
    (items) => items.map(traitFault).find((fault) => fault !== null) ?? null,
    (items) => [...new Set(items as string[])],
  ).nullable();

export const traitName = () =>
  z.unknown().transform((value, context): string => {
    const fault = traitFault(value);
    if (fault === null) return value as string;
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  });

/** A step of a list, as `stepFault` has checked it. */
type KeptStep<N extends string> = { interface: StepInterface; step: string; args?: JsonObject } & {
  [name in N]: number;
};

/**
 * Steps of templates and runbooks.
 * @param number key of the number that orders the steps
 * @param needsArgs whether `args` is required
 */
export const stepList = <const N extends 'priority' | 'order'>(number: N, needsArgs: boolean) =>
  checked(
    (items) => (items.length === 0 ? '[] is too short' : firstFault(items, number, needsArgs)),
    (items) =>
      (items as KeptStep<N>[]).map(
        (step) =>
          ({
            interface: step.interface,
            step: step.step,
            args: step.args ?? {},
            [number]: Number(step[number]),
          }) as KeptStep<N> & { args: JsonObject },
      ),
  );

/** Steps with their keys in Ironic's order, since the database keeps none. */
export function stepsInOrder(steps: readonly object[], number: 'priority' | 'order'): Json {
  return (steps as readonly JsonObject[]).map(({ interface: owner, step, args, ...more }) => ({
    interface: owner!,
    step: step!,
    args: args!,
    [number]: more[number]!,
  }));
}

function firstFault(items: unknown[], number: string, needsArgs: boolean): string | null {
  for (const [index, item] of items.entries()) {
    const fault = stepFault(item, number, needsArgs);
    if (fault !== null) return `${fault} (step ${index})`;
  }
  return null;
}

function stepFault(step: unknown, number: string, needsArgs: boolean): string | null {
  if (!isObject(step)) return `a step is not of type 'object'`;
  const known = ['interface', 'step', 'args', number];
  const required = known.filter((name) => name !== 'args' || needsArgs);
  const missing = required.find((name) => !(name in step));
  if (missing !== undefined) return `'${missing}' is a required property`;
  const unknown = Object.keys(step).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return `Additional properties are not allowed ('${shorten(unknown)}' was unexpected)`;
  }
  const { interface: owner, step: name, args } = step;
  if (!(STEP_INTERFACES as readonly unknown[]).includes(owner)) {
    return `'${shorten(String(owner))}' is not one of [${STEP_INTERFACES.map((kind) => `'${kind}'`).join(', ')}]`;
  }
  if (typeof name !== 'string') return "step is not of type 'string'";
  if (name === '' || name.length > 255) return `'${shorten(name)}' is too ${name === '' ? 'short' : 'long'}`;
  if (args !== undefined && !isObject(args)) return "args is not of type 'object'";
  return isCount(step[number]) ? null : `${number} is not valid under any of the given schemas`;
}

/** Whether it is an integer that fits the column, or its digits. */
function isCount(value: unknown): boolean {
  const number = typeof value === 'string' && /^[0-9]{1,10}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number < 2 ** 31;
}

/** @throws InvalidError listing the steps that occur more than once */
export function refuseDuplicates(steps: readonly { interface: string; step: string }[]): void {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { interface: owner, step } of steps) {
    const key = `interface: ${owner}, step: ${step}`;
    if (seen.has(key)) twice.add(key);
    seen.add(key);
  }
  if (twice.size === 0) return;
  throw new InvalidError(
    'Deploy template invalid: Duplicate deploy steps. A template cannot have multiple deploy steps with the same ' +
      `interface and step. Duplicates: ${[...twice].join('; ')}.`,
  );
}
