// Arguments of filters, methods and functions, bound to their parameters as in Python.
import { refuse } from './error.js';
import { type Given, indexOf, otherwise, type PyValue, textOf } from './value.js';

export type Filter = (value: PyValue, given: Given) => PyValue;

/** Bound arguments; undefined: not given. */
export class Bound {
  constructor(
    private readonly what: string,
    private readonly values: Readonly<Record<string, PyValue | undefined>>,
  ) {}

  has(name: string): boolean {
    return this.values[name] !== undefined;
  }

  value(name: string): PyValue {
    return otherwise(this.values[name], () => refuse(`${this.what} needs ${name}`));
  }

  or(name: string, initial: PyValue): PyValue {
    const value = this.values[name];
    return value === undefined ? initial : value;
  }

  text(name: string, initial?: string): string {
    const value = this.values[name];
    if (value === undefined && initial !== undefined) return initial;
    return textOf(this.value(name), `${name} of ${this.what}`);
  }

  /** Text or null; None counts as not given. */
  optionalText(name: string): string | null {
    const value = this.values[name];
    return value === undefined || value === null ? null : textOf(value, `${name} of ${this.what}`);
  }

  number(name: string, initial?: number): number {
    const value = this.values[name];
    if (value === undefined && initial !== undefined) return initial;
    return indexOf(this.value(name), `${name} of ${this.what}`);
  }
}

/**
 * @param names of the parameters, in order
 * @throws TemplateError for too many arguments, an unknown one, and a duplicate
 */
export function bind(what: string, names: readonly string[], { args, named }: Given): Bound {
  if (args.length > names.length) refuse(`${what} takes ${names.length} arguments, not ${args.length}`);
  const values: Record<string, PyValue | undefined> = Object.fromEntries(
    args.map((value, at) => [names[at]!, value]),
  );
  for (const [name, value] of Object.entries(named)) {
    if (!names.includes(name)) refuse(`${what} has no argument ${name}`);
    if (values[name] !== undefined) refuse(`${what} is given ${name} twice`);
    values[name] = value;
  }
  return new Bound(what, values);
}
