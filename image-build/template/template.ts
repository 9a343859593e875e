// Jinja templates with the settings of Ansible's template module: the newline after a block is removed, the last one is
// kept, nothing is escaped, and undefined values are errors. Supported features mean the same as in Jinja (compared in
// test/component/image-build/template); all other features of Jinja are refused by name.
import { TemplateError } from './error.js';
import { evaluate } from './evaluate.js';
import { namesIn, type TemplateNames } from './names.js';
import { parseTemplate } from './parser.js';
import type { Statement } from './syntax.js';
import { Dict, type PyValue } from './value.js';

/** A value of a configuration, as YAML has them. A bigint is Python's int, a number its float. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Value[]
  | { readonly [name: string]: Value };
export type Variables = Readonly<Record<string, Value>>;

/**
 * Variables that the text reads, found by static analysis.
 * @throws TemplateError for a text that does not parse, or that uses unsupported features
 */
export function namesOf(text: string): TemplateNames {
  return told(() => namesIn(parseTemplate(text)));
}

/**
 * Renders the text with its variables.
 * @throws TemplateError naming the faulty tag
 */
export function render(text: string, variables: Variables): string {
  return told(() => {
    const body: Statement[] = parseTemplate(text);
    namesIn(body);
    return evaluate(
      body,
      new Map(Object.entries(variables).map(([name, value]) => [name, valueFrom(value)])),
    );
  });
}

/** Name in a text that consists of `{{ name }}` only: it gives the value itself, so that a list stays a list. */
export function soleName(text: string): string | undefined {
  return /^\s*\{\{\s*([A-Za-z_]\w*)\s*\}\}\s*$/.exec(text)?.[1];
}

/** Copies a value: a template's changes of a list must not leave the template. */
function valueFrom(value: Value): PyValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(valueFrom);
  return Dict.of(Object.entries(value).map(([name, below]) => [name, valueFrom(below as Value)] as const));
}

function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new TemplateError('nested too deeply', { cause: error });
    if (error instanceof TemplateError && error.line !== undefined)
      throw new TemplateError(`line ${error.line}: ${error.message}`, { cause: error });
    throw error;
  }
}

export { TemplateError } from './error.js';
