import type { Json, JsonObject } from '../json.js';

/** Python's `str.format` as rules use it: fields with `.name` and `[key]`, without conversions and format specs. */

/** A missing key: `is-empty` treats it as empty; everywhere else the text stays unformatted. */
export class MissingKey extends Error {}
/** Any other reason why a text stays unformatted. */
export class NotFormatted extends Error {}

const FIELD = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
const PART = /^(?:\.([^.[\]]+)|\[([^\]]+)\])/;

/**
 * @param context what fields may refer to; `node` is an object with attributes, the others are dictionaries
 * @throws MissingKey, NotFormatted
 */
export function formatText(text: string, context: JsonObject): string {
  return text.replaceAll(FIELD, (found, field: string | undefined) => {
    if (found === '{{') return '{';
    if (found === '}}') return '}';
    if (field === undefined) throw new NotFormatted('a single brace');
    return pythonText(fieldValue(field, context));
  });
}

function fieldValue(field: string, context: JsonObject): Json {
  const name = /^[^.[]*/.exec(field)![0];
  if (!Object.hasOwn(context, name)) throw new MissingKey(name);
  let at = context[name] as Json;
  let hasAttributes = name === 'node';
  for (let rest = field.slice(name.length); rest !== ''; ) {
    const part = PART.exec(rest);
    if (!part) throw new NotFormatted(field);
    const [whole, attribute, key] = part;
    if (attribute !== undefined && !hasAttributes) throw new NotFormatted(field);
    at = memberOf(at, (attribute ?? key)!, attribute !== undefined);
    hasAttributes = false;
    rest = rest.slice(whole.length);
  }
  return at;
}

function memberOf(at: Json, name: string, isAttribute: boolean): Json {
  if (Array.isArray(at)) {
    const index = /^\d{1,9}$/.test(name) ? Number(name) : -1;
    if (index < 0 || index >= at.length) throw new NotFormatted(name);
    return at[index]!;
  }
  if (at === null || typeof at !== 'object') throw new NotFormatted(name);
  if (!Object.hasOwn(at, name)) throw isAttribute ? new NotFormatted(name) : new MissingKey(name);
  return at[name]!;
}

/** Python's `str()`. */
export function pythonText(value: Json): string {
  return typeof value === 'string' ? value : pythonLiteral(value);
}

function pythonLiteral(value: Json): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    const plain = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    return `${quote}${quote === "'" ? plain.replaceAll("'", "\\'") : plain}${quote}`;
  }
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`;
  const items = Object.entries(value).map(([key, item]) => `${pythonLiteral(key)}: ${pythonLiteral(item)}`);
  return `{${items.join(', ')}}`;
}
