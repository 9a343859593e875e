// Splits a template into tokens by the rules of Jinja's lexer (jinja2/lexer.py) with `trim_blocks` and
// `keep_trailing_newline`, the settings of Ansible's template module.
import { refuse, TemplateError } from './error.js';

export type Token =
  | { readonly type: 'data'; readonly value: string; readonly line: number; readonly at: number }
  | { readonly type: Mark | 'end'; readonly value: string; readonly line: number; readonly at: number }
  | {
      readonly type: 'name' | 'operator' | 'string' | 'integer' | 'float';
      readonly value: string;
      readonly line: number;
      readonly at: number;
    };
type Mark = 'block_begin' | 'block_end' | 'variable_begin' | 'variable_end';

const NAME = /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy;
const FLOAT = /(?<![.])\d(?:_?\d)*(?:(?:\.\d(?:_?\d)*)?[eE][+-]?\d(?:_?\d)*|\.\d(?:_?\d)*)/y;
const INTEGER = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const STRING = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** @throws TemplateError with the line */
export function tokensOf(source: string): Token[] {
  // Jinja treats all line endings alike.
  return new Lexer(source.replaceAll(/\r\n|\r/g, '\n')).run();
}

class Lexer {
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #counted = 0;

  constructor(private readonly source: string) {}

  run(): Token[] {
    try {
      while (this.#at < this.source.length) this.#data();
    } catch (error) {
      if (error instanceof TemplateError) error.line ??= this.#lineAt(this.#at);
      throw error;
    }
    this.#push('end', '', this.#at);
    return this.#tokens;
  }

  /** The text up to the next tag, and that tag. */
  #data(): void {
    const opening = /\{%([-+]?)\s*raw\s*(?:(-)%\}\s*|%\})|\{([{%#])([-+]?)/g;
    opening.lastIndex = this.#at;
    const found = opening.exec(this.source);
    const end = found?.index ?? this.source.length;
    const before = this.source.slice(this.#at, end);
    const sign = found?.[1] ?? found?.[4];
    this.#text(sign === '-' ? before.trimEnd() : before, this.#at);
    if (!found) {
      this.#at = this.source.length;
      return;
    }
    this.#at = end + found[0].length;
    if (found[3] === undefined) this.#raw();
    else if (found[3] === '#') this.#comment(end);
    else this.#tag(found[3] === '{' ? 'variable' : 'block', end);
  }

  #raw(): void {
    const closing = /\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)/g;
    closing.lastIndex = this.#at;
    const found = closing.exec(this.source);
    if (!found) refuse('a raw block without its end');
    const text = this.source.slice(this.#at, found.index);
    this.#text(found[1] === '-' ? text.trimEnd() : text, this.#at);
    this.#at = found.index + found[0].length;
  }

  #comment(begin: number): void {
    const closing = /(?:\+#\}|-#\}\s*|#\}\n?)/g;
    closing.lastIndex = begin + 2;
    const found = closing.exec(this.source);
    if (!found) refuse('a comment without its end');
    this.#at = found.index + found[0].length;
  }

  #tag(kind: 'variable' | 'block', begin: number): void {
    this.#push(`${kind}_begin`, this.source.slice(begin, this.#at), begin);
    const open: string[] = [];
    const closing = kind === 'variable' ? /-\}\}\s*|\}\}/y : /\+%\}|-%\}\s*|%\}\n?/y;
    for (;;) {
      this.#take(/\s*/y);
      if (this.#at >= this.source.length) refuse('a tag without its end');
      const from = this.#at;
      // A tag does not end inside brackets: `{{ {'a': {}} }}`.
      const end = open.length === 0 ? this.#take(closing) : null;
      if (end !== null) {
        this.#push(`${kind}_end`, end, from);
        return;
      }
      this.#expression(open);
    }
  }

  #expression(open: string[]): void {
    const from = this.#at;
    for (const [type, pattern] of [
      ['float', FLOAT],
      ['integer', INTEGER],
      ['name', NAME],
      ['string', STRING],
      ['operator', OPERATOR],
    ] as const) {
      const value = this.#take(pattern);
      if (value === null) continue;
      if (type === 'operator') balance(value, open);
      this.#push(type, type === 'string' ? unescaped(value.slice(1, -1)) : value, from);
      return;
    }
    refuse(`an unexpected character ${JSON.stringify(this.source[from])}`);
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #text(value: string, at: number): void {
    if (value !== '') this.#push('data', value, at);
  }

  #push(type: Token['type'], value: string, at: number): void {
    this.#tokens.push({ type, value, line: this.#lineAt(at), at } as Token);
  }

  /** Line of a position; counted from the last queried one. */
  #lineAt(at: number): number {
    for (; this.#counted < at; this.#counted++) if (this.source[this.#counted] === '\n') this.#line++;
    return this.#line;
  }
}

function balance(operator: string, open: string[]): void {
  const closing = CLOSING[operator];
  if (closing !== undefined) open.push(closing);
  else if (')]}'.includes(operator) && open.pop() !== operator) refuse(`an unexpected ${operator}`);
}

const SIMPLE: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Escapes of a Python string literal; Jinja decodes them by `unicode-escape`. */
function unescaped(text: string): string {
  return text.replaceAll(
    /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/g,
    (whole: string, ...codes: (string | undefined)[]) => {
      const [octal, x, u, long, one] = codes;
      const hex = x ?? u ?? long;
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      if (hex !== undefined) return character(Number.parseInt(hex, 16), whole);
      if ('xuUN'.includes(one!)) refuse(`the escape ${whole} is not whole, or not known here`);
      return SIMPLE[one!] ?? whole;
    },
  );
}

function character(code: number, written: string): string {
  if (code > 0x10_ff_ff || (code >= 0xd8_00 && code <= 0xdf_ff)) refuse(`${written} is no character`);
  return String.fromCodePoint(code);
}
