import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  render,
  TemplateError,
  type Value,
  type Variables,
} from '../../../../image-build/template/template.js';
import { EXPRESSIONS, VARIABLES } from './expressions.js';
import { expressions } from './generated.js';
import { TEMPLATES } from './templates.js';

/** Debian's Python, which python3-jinja2 is installed for. */
const PYTHON = '/usr/bin/python3';

/** What Jinja makes of each; null where it raises an error. */
function byJinja(templates: readonly string[], variables: Variables): ([string] | null)[] {
  const input = JSON.stringify(templates.map((template) => [template, variables]));
  const output = execFileSync(PYTHON, ['-Wignore', join(import.meta.dirname, 'jinja.py')], {
    input,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  return JSON.parse(output) as ([string] | null)[];
}

/** As the reader of YAML has it: an int of Python is a bigint. */
function withWholeNumbers(value: Value): Value {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withWholeNumbers);
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [name, withWholeNumbers(below as Value)]),
  );
}

/** Null: refused. @throws whatever is no refusal */
function byFerric(template: string, variables: Variables): [string] | null {
  try {
    return [render(template, withWholeNumbers(variables) as Variables)];
  } catch (error) {
    if (error instanceof TemplateError) return null;
    throw new Error(`${template}: ${String(error)}`, { cause: error });
  }
}

function compared(templates: readonly string[], variables: Variables) {
  const theirs = byJinja(templates, variables);
  const rows = templates.map((template, at) => ({
    template,
    jinja: theirs[at]!?.[0],
    ferric: byFerric(template, variables)?.[0],
  }));
  return {
    other: rows.filter(({ jinja, ferric }) => ferric !== undefined && ferric !== jinja),
    refused: rows.filter(({ jinja, ferric }) => ferric === undefined && jinja !== undefined),
    rendered: rows.filter(({ ferric }) => ferric !== undefined).length,
  };
}

/** What Jinja takes and Ferric does not: each is refused by name, never another text. */
const REFUSED = [
  // Methods that a mapping's own keys stand behind; objects that print as addresses in memory.
  ...['tricky.items', 'tricky.keys', 'l.append', 's.upper', 'l | reverse', "s | attr('upper')"],
  // Tables of Unicode that JavaScript has not.
  ...['mixed.swapcase()', "'ßa'.capitalize()", "'é'.isalpha()", 's.casefold()'],
  // Formatting beyond names, numbers and texts.
  ...["'{:>5}'.format('a')", "'%c' % 65", "'%e' % 1.5"],
  // Attributes of numbers, and bytes.
  ...['n.real', 'n.bit_length()', 'half.is_integer()', 's.encode()'],
  // Filters for web pages and for people, tests of identity.
  ...[
    's | wordwrap(5)',
    's | escape',
    "'<a>' | e",
    's | safe',
    's | urlize',
    'l | random',
    'd | tojson',
    'l | pprint',
  ],
  ...['n | filesizeformat', 's | striptags', 's | urlencode', 's is sameas s', 'none is sameas none'],
  ...['n is callable', 'range is callable', 's is escaped'],
  // What is not set, in a list or compared: StrictUndefined lets these through.
  ...["users | map(attribute='nope') | list", '[nope]', 'nope is none', 'nope is string'],
  // Floats that JavaScript does not compute to the last bit, and whole numbers that a float does not hold.
  ...['2 ** 0.5', '2 ** 100 / 3', '9007199254740993 + 0.0'],
];
const REFUSED_TEMPLATES = [
  '{% block a %}x{% endblock %}',
  '{% autoescape true %}{{ "<" }}{% endautoescape %}',
  '{% raw %}',
  '{{ lipsum() }}',
];
/** A run's expressions are the same each time; JINJA_SEED in the environment gives others. */
const SEED = Number(process.env['JINJA_SEED'] ?? 20_260);
const GENERATED = 1_200;

describe('templates beside Jinja2', () => {
  it(`means what Jinja means by ${EXPRESSIONS.length} expressions`, () => {
    const { other, refused } = compared(
      EXPRESSIONS.map((expression) => `{{ ${expression} }}`),
      VARIABLES,
    );
    expect(other).toEqual([]);
    expect(refused.map(({ template }) => template.slice(3, -3)).sort()).toEqual([...REFUSED].sort());
  });

  it('means what Jinja means by statements, white space and the reach of names', () => {
    const { other, refused } = compared(TEMPLATES, VARIABLES);
    expect(other).toEqual([]);
    expect(refused.map(({ template }) => template)).toEqual(REFUSED_TEMPLATES);
  });

  it(`means what Jinja means, or refuses, by ${GENERATED} generated expressions`, () => {
    const made = fc.sample(expressions, { numRuns: GENERATED, seed: SEED });
    const { other, rendered } = compared(
      made.map((expression) => `{{ ${expression} }}`),
      VARIABLES,
    );
    expect(other).toEqual([]);
    expect(rendered).toBeGreaterThan(GENERATED / 4);
  });

  it('names the expression that it refuses, and its line', () => {
    expect(() => render('a\n{{ s | tojson }}', VARIABLES)).toThrow(
      'line 2: {{ s | tojson }}: there is no filter tojson',
    );
    expect(() => render("{% if l | map('nope') %}{% endif %}", VARIABLES)).toThrow('there is no filter nope');
  });
});
