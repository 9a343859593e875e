// Jinja templates of values, as Ansible's template module sets Jinja up: a block's newline goes, the last one stays,
// nothing is escaped, and nothing unset is printed. What this engine takes means what it means in Jinja (held against it
// in test/component/image-build/template); whatever else Jinja has is refused by name.
import { TemplateError } from './error.js';
import { evaluate } from './evaluate.js';
import { namesIn, type TemplateNames } from './names.js';
import { parseTemplate } from './parser.js';
import type { Statement } from './syntax.js';
import { Dict, type PyValue } from './value.js';

/** Of a configuration: what YAML holds. A bigint is Python's int, a number its float. */
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
 * What the text reads, found without running it.
 * @throws TemplateError for a text that does not parse, or that uses what there is not here
 */
export function namesOf(text: string): TemplateNames {
  return told(() => namesIn(parseTemplate(text)));
}

/**
 * The text with its variables put in.
 * @throws TemplateError naming the tag at fault
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

/** The only name of a text that is nothing but `{{ name }}`: its value is taken as it is, a list stays a list. */
export function soleName(text: string): string | undefined {
  return /^\s*\{\{\s*([A-Za-z_]\w*)\s*\}\}\s*$/.exec(text)?.[1];
}

/** A copy: what a template does to a list stays in the template. */
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
