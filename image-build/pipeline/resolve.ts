// Resolves references between the keys of a file, in any order.
import { messageOf } from '../../src/domain/errors.js';
import { namesOf, render, soleName, type Value, type Variables } from '../template/template.js';
import { nearest } from './nearest.js';

export interface Resolved {
  variables: Record<string, Value>;
  faults: string[];
}

/** Replaces references in texts by the keys' values. A faulty key is left out, and reported once. */
export function resolveReferences(raw: Readonly<Record<string, unknown>>): Resolved {
  const resolver = new Resolver(raw);
  for (const name of Object.keys(raw)) resolver.value(name, []);
  return { variables: Object.fromEntries(resolver.done), faults: resolver.faults };
}

class Resolver {
  readonly done = new Map<string, Value>();
  readonly faults: string[] = [];
  readonly #bad = new Set<string>();

  constructor(private readonly raw: Readonly<Record<string, unknown>>) {}

  /** @returns false: the key is faulty, and has been reported */
  value(name: string, path: readonly string[]): boolean {
    if (this.done.has(name)) return true;
    if (this.#bad.has(name)) return false;
    if (path.includes(name)) {
      const cycle = path.slice(path.indexOf(name));
      this.faults.push(`${[...cycle, name].join(' refers to ')}: a circle`);
      for (const member of cycle) this.#bad.add(member);
      return false;
    }
    try {
      const value = this.#fill(name, this.raw[name], [...path, name]);
      if (value !== undefined && !this.#bad.has(name)) this.done.set(name, value);
      else this.#bad.add(name);
    } catch (error) {
      this.faults.push(`${name}: ${messageOf(error)}`);
      this.#bad.add(name);
    }
    return this.done.has(name);
  }

  /** Undefined: a key that it refers to is faulty. */
  #fill(name: string, value: unknown, path: readonly string[]): Value | undefined {
    if (typeof value === 'string') return this.#text(name, value, path);
    if (Array.isArray(value)) {
      const filled = value.map((below) => this.#fill(name, below, path));
      return filled.includes(undefined) ? undefined : (filled as Value[]);
    }
    if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
      const filled = Object.entries(value).map(
        ([key, below]) => [key, this.#fill(name, below, path)] as const,
      );
      return filled.some(([, below]) => below === undefined)
        ? undefined
        : (Object.fromEntries(filled) as Value);
    }
    return (value instanceof Date ? value.toISOString() : value) as Value;
  }

  #text(name: string, text: string, path: readonly string[]): Value | undefined {
    const { needed, optional } = namesOf(text);
    const context: Record<string, Value> = {};
    let whole = true;
    for (const other of [...needed, ...optional]) {
      if (!Object.hasOwn(this.raw, other)) {
        if (optional.has(other)) continue;
        this.faults.push(`${name}: ${notSet(other, Object.keys(this.raw))}`);
        whole = false;
      } else if (this.value(other, path)) context[other] = this.done.get(other)!;
      else whole = false;
    }
    if (!whole) return undefined;
    const sole = soleName(text);
    return sole !== undefined && Object.hasOwn(context, sole) ? context[sole] : render(text, context);
  }
}

/** Message for a reference to a key that is not set. */
export function notSet(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return `refers to ${name}, which is not set${near ? `; the nearest is ${near}` : ''}`;
}

/**
 * Renders a template with its variables.
 * @throws Error naming all variables that are not set
 */
export function renderTemplate(text: string, variables: Variables): string {
  const missing = [...namesOf(text).needed].filter((name) => !Object.hasOwn(variables, name));
  if (missing.length > 0)
    throw new Error(missing.map((name) => notSet(name, Object.keys(variables))).join('; '));
  return render(text, variables);
}
