// Parser of statements by the grammar of jinja2/parser.py. Unsupported features of Jinja are refused by name.
import { refuse, TemplateError } from './error.js';
import { ExpressionParser } from './expression-parser.js';
import type { Expression, Parameter, Statement, Target } from './syntax.js';
import { type Token, tokensOf } from './token.js';

/** Greatest nesting of statements. */
const DEPTH = 50;
/** Unsupported tags of Jinja and Ansible: they lead out of the template, or are not needed here. */
const REFUSED = [
  'include',
  'import',
  'from',
  'extends',
  'block',
  'call',
  'trans',
  'do',
  'autoescape',
  'break',
];

/** @throws TemplateError with the line */
export function parseTemplate(source: string): Statement[] {
  return new TemplateParser(tokensOf(source), source.replaceAll(/\r\n|\r/g, '\n')).template();
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A statement before its position is added. */
type Bare = Without<Statement, 'line' | 'source'>;

class TemplateParser extends ExpressionParser {
  #depth = 0;

  constructor(
    tokens: readonly Token[],
    private readonly source: string,
  ) {
    super(tokens);
  }

  template(): Statement[] {
    try {
      const body = this.#body([]);
      if (this.token.type !== 'end') refuse(`an unexpected ${this.token.value}`);
      return body;
    } catch (error) {
      if (error instanceof TemplateError) error.line ??= this.token.line;
      throw error;
    }
  }

  /** Statements up to one of the tags `ends`, whose name is not consumed. */
  #body(ends: readonly string[]): Statement[] {
    if (++this.#depth > DEPTH) refuse('statements nested too deeply');
    const body: Statement[] = [];
    for (;;) {
      const { type, line, value, at } = this.token;
      if (type === 'end') {
        if (ends.length > 0) refuse(`${ends.at(-1)} is missing`);
        break;
      }
      this.advance();
      if (type === 'data') body.push({ is: 'text', text: value, line, source: '' });
      else if (type === 'variable_begin') body.push(this.#print(line, at));
      else if (this.token.type === 'name' && ends.includes(this.token.value)) break;
      else body.push({ ...this.#statement(), line, source: this.#sourceOf(at) });
    }
    this.#depth--;
    return body;
  }

  #sourceOf(at: number): string {
    const end = this.source.indexOf('%}', at);
    return this.source
      .slice(at + 2, end)
      .replaceAll(/^[-+]|[-+]$/g, '')
      .trim();
  }

  #print(line: number, at: number): Statement {
    const value = this.tupleOrExpression();
    const end = this.token.at;
    this.expect('variable_end');
    return {
      is: 'print',
      value,
      line,
      source: this.source
        .slice(at + 2, end)
        .replaceAll(/^[-+]|[-+]$/g, '')
        .trim(),
    };
  }

  #statement(): Bare {
    const { type, value } = this.token;
    if (type !== 'name') refuse(`a tag begins with its name, not with ${JSON.stringify(value)}`);
    this.advance();
    switch (value) {
      case 'if':
        return this.#if();
      case 'for':
        return this.#for();
      case 'set':
        return this.#set();
      case 'macro':
        return this.#macro();
      case 'filter':
        return this.#filterBlock();
      case 'with':
        return this.#with();
    }
    if (REFUSED.includes(value)) refuse(`a template here stands alone and is plain: ${value} is not taken`);
    return refuse(`there is no tag ${value}`);
  }

  #if(): Bare {
    const branches: { condition: Expression; body: Statement[] }[] = [];
    let otherwise: Statement[] = [];
    for (let word = 'if'; word !== 'endif'; ) {
      if (word === 'else') otherwise = this.#block(['endif']);
      else {
        const condition = this.tupleOrExpression(false);
        branches.push({ condition, body: this.#block(['elif', 'else', 'endif']) });
      }
      word = this.token.value;
      this.advance();
    }
    this.expect('block_end');
    return { is: 'if', branches, otherwise };
  }

  #for(): Bare {
    const target = this.#targets('in');
    this.expectName('in');
    const over = this.tupleOrExpression(false);
    const condition = this.skipName('if') ? this.expression() : null;
    if (this.token.value === 'recursive') refuse('a recursive loop is not taken');
    const body = this.#block(['else', 'endfor']);
    const hasElse = this.token.value === 'else';
    this.advance();
    const otherwise = hasElse ? this.#block(['endfor']) : [];
    if (hasElse) this.advance();
    this.expect('block_end');
    return { is: 'for', target, over, condition, body, otherwise };
  }

  #set(): Bare {
    const target = this.#targets('=');
    if (this.skip('=')) {
      const value = this.tupleOrExpression();
      this.expect('block_end');
      return { is: 'set', target, value };
    }
    const filter = this.filters(null);
    const body = this.#block(['endset']);
    this.advance();
    this.expect('block_end');
    return { is: 'set block', target, filter, body };
  }

  #macro(): Bare {
    const name = this.name();
    this.expectOperator('(');
    const parameters: Parameter[] = [];
    while (!this.skip(')')) {
      if (parameters.length > 0) this.expectOperator(',');
      const parameter = this.name();
      const initial = this.skip('=') ? this.expression() : null;
      if (!initial && parameters.at(-1)?.initial) refuse('a parameter without a default after one with it');
      parameters.push({ name: parameter, initial });
    }
    const body = this.#block(['endmacro']);
    this.advance();
    this.expect('block_end');
    return { is: 'macro', name, parameters, body };
  }

  #filterBlock(): Bare {
    const filter = this.filters(null, true)!;
    const body = this.#block(['endfilter']);
    this.advance();
    this.expect('block_end');
    return { is: 'filter block', filter, body };
  }

  #with(): Bare {
    const bindings: [Target, Expression][] = [];
    while (this.token.type !== 'block_end') {
      if (bindings.length > 0) this.expectOperator(',');
      const target = this.#target();
      this.expectOperator('=');
      bindings.push([target, this.expression()]);
    }
    const body = this.#block(['endwith']);
    this.advance();
    this.expect('block_end');
    return { is: 'with', bindings, body };
  }

  /** The rest of a tag, and its body up to one of `ends`. */
  #block(ends: readonly string[]): Statement[] {
    // Jinja accepts Python's colon: `{% if a: %}`.
    this.skip(':');
    this.expect('block_end');
    return this.#body(ends);
  }

  #targets(until: string): Target {
    const targets = [this.#target()];
    let many = false;
    while (this.skip(',')) {
      many = true;
      if (this.token.value === until || this.token.type === 'block_end') break;
      targets.push(this.#target());
    }
    return many ? { is: 'names', targets } : targets[0]!;
  }

  #target(): Target {
    if (this.skip('(')) {
      const inside = this.#targets(')');
      this.expectOperator(')');
      return inside;
    }
    const name = this.name();
    if (['true', 'false', 'none', 'True', 'False', 'None'].includes(name)) refuse(`${name} cannot be set`);
    return this.skip('.') ? { is: 'field', namespace: name, name: this.name() } : { is: 'name', name };
  }
}
