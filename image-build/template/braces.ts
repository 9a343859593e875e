// `text.format(values)` (format string syntax, Python library reference) without format specifications, attributes and items.
import { refuse } from './error.js';
import { limited } from './operation.js';
import { repr, str } from './print.js';
import { type Given, otherwise, type PyValue } from './value.js';

const FIELD = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

/** @throws TemplateError for fields without a value, and for fields other than a name or a number */
export function formatBraces(text: string, { args, named }: Given): string {
  let next = 0;
  let numbered: boolean | null = null;
  const value = (field: string): PyValue => {
    if (/^[A-Za-z_]\w*$/.test(field))
      return Object.hasOwn(named, field) ? named[field]! : refuse(`nothing is given for ${field}`);
    if (!/^\d*$/.test(field)) return refuse(`the field {${field}} is not taken`);
    if (numbered !== null && numbered !== (field !== '')) refuse('fields with and without numbers');
    numbered = field !== '';
    return otherwise(args[field === '' ? next++ : Number(field)], () =>
      refuse('a field without its argument'),
    );
  };
  const formatted = text.replaceAll(FIELD, (whole: string, field: string | undefined) => {
    if (whole === '{{') return '{';
    if (whole === '}}') return '}';
    if (field === undefined) return refuse('a single brace in a format string');
    const conversion = /^(.*?)(?:!([rs]))?$/s.exec(field)!;
    const shown = value(conversion[1]!);
    return conversion[2] === 'r' ? repr(shown) : str(shown);
  });
  return limited(formatted);
}
