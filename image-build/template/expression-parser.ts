// Parser of expressions by the grammar of jinja2/parser.py, one method for each level of precedence.
import { refuse } from './error.js';
import type { Argument, Arithmetic, Comparison, Expression } from './syntax.js';
import type { Token } from './token.js';

/** Greatest nesting of expressions. */
const DEPTH = 100;
const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const CONSTANTS: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

export class ExpressionParser {
  #at = 0;
  #nesting = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  protected get token(): Token {
    return this.tokens[this.#at]!;
  }

  protected advance(): void {
    if (this.token.type !== 'end') this.#at++;
  }

  protected skip(operator: string): boolean {
    if (this.token.type !== 'operator' || this.token.value !== operator) return false;
    this.advance();
    return true;
  }

  protected skipName(name: string): boolean {
    if (!this.#isName(name)) return false;
    this.advance();
    return true;
  }

  protected expect(type: Token['type']): void {
    if (this.token.type !== type) refuse(`expected ${words(type)}, found ${shown(this.token)}`);
    this.advance();
  }

  protected expectOperator(operator: string): void {
    if (!this.skip(operator)) refuse(`expected ${operator}, found ${shown(this.token)}`);
  }

  protected expectName(name: string): void {
    if (!this.skipName(name)) refuse(`expected ${name}, found ${shown(this.token)}`);
  }

  protected name(): string {
    const { type, value } = this.token;
    if (type !== 'name') refuse(`expected a name, found ${shown(this.token)}`);
    this.advance();
    return value;
  }

  /** `a, b` is a tuple. @param withIf whether `a if b else c` is allowed */
  protected tupleOrExpression(withIf = true): Expression {
    const { line } = this.token;
    const items = [this.expression(withIf)];
    let many = false;
    while (this.skip(',')) {
      many = true;
      if (this.#endsTuple()) break;
      items.push(this.expression(withIf));
    }
    return many ? { is: 'tuple', items, line } : items[0]!;
  }

  protected expression(withIf = true): Expression {
    if (++this.#nesting > DEPTH) refuse('an expression nested too deeply');
    let value = this.#or();
    while (withIf && this.skipName('if')) {
      const { line } = this.token;
      const condition = this.#or();
      const otherwise = this.skipName('else') ? this.expression() : null;
      value = { is: 'if', condition, consequent: value, otherwise, line };
    }
    this.#nesting--;
    return value;
  }

  #or(): Expression {
    return this.#logical('or', () => this.#logical('and', () => this.#not()));
  }

  #logical(is: 'and' | 'or', next: () => Expression): Expression {
    let left = next();
    while (this.#isName(is)) {
      const { line } = this.token;
      this.advance();
      left = { is, left, right: next(), line };
    }
    return left;
  }

  #not(): Expression {
    const { line } = this.token;
    if (!this.skipName('not')) return this.#compare();
    if (++this.#nesting > DEPTH) refuse('an expression nested too deeply');
    const of = this.#not();
    this.#nesting--;
    return { is: 'not', of, line };
  }

  #compare(): Expression {
    const { line } = this.token;
    const first = this.#sum();
    const rest: { operator: Comparison; with: Expression }[] = [];
    for (let operator = this.#comparison(); operator; operator = this.#comparison())
      rest.push({ operator, with: this.#sum() });
    return rest.length === 0 ? first : { is: 'compare', first, rest, line };
  }

  #comparison(): Comparison | null {
    const { type, value } = this.token;
    if (type === 'operator' && COMPARISONS.includes(value)) {
      this.advance();
      return value as Comparison;
    }
    if (this.skipName('in')) return 'in';
    const next = this.tokens[this.#at + 1];
    if (this.#isName('not') && next?.type === 'name' && next.value === 'in') {
      this.advance();
      this.advance();
      return 'not in';
    }
    return null;
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat());
  }

  #concat(): Expression {
    const { line } = this.token;
    const parts = [this.#product()];
    while (this.skip('~')) parts.push(this.#product());
    return parts.length === 1 ? parts[0]! : { is: 'concat', parts, line };
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.#unary()));
  }

  #binary(operators: readonly Arithmetic[], next: () => Expression): Expression {
    let left = next();
    for (;;) {
      const { line } = this.token;
      const operator = operators.find((one) => this.skip(one));
      if (operator === undefined) return left;
      left = { is: 'arithmetic', operator, left, right: next(), line };
    }
  }

  #unary(withFilter = true): Expression {
    const { line } = this.token;
    if (++this.#nesting > DEPTH) refuse('an expression nested too deeply');
    let value: Expression;
    if (this.skip('-')) value = { is: 'negative', of: this.#unary(false), line };
    else if (this.skip('+')) value = { is: 'positive', of: this.#unary(false), line };
    else value = this.#primary();
    value = this.#postfix(value);
    this.#nesting--;
    return withFilter ? this.#filtersAndTests(value) : value;
  }

  #primary(): Expression {
    const { type, value, line } = this.token;
    this.advance();
    switch (type) {
      case 'name':
        return Object.hasOwn(CONSTANTS, value)
          ? { is: 'constant', value: CONSTANTS[value]!, line }
          : { is: 'name', name: value, line };
      case 'string': {
        let text = value;
        for (; this.token.type === 'string'; this.advance()) text += this.token.value;
        return { is: 'constant', value: text, line };
      }
      case 'integer':
        return { is: 'constant', value: BigInt(value.replaceAll('_', '')), line };
      case 'float':
        return { is: 'constant', value: Number(value.replaceAll('_', '')), line };
      case 'operator':
        if (value === '(') return this.#parentheses(line);
        if (value === '[') return { is: 'list', items: this.#items(']'), line };
        if (value === '{') return this.#dict(line);
        break;
      default:
    }
    return refuse(`expected a value, found ${shown({ type, value })}`);
  }

  #parentheses(line: number): Expression {
    if (this.skip(')')) return { is: 'tuple', items: [], line };
    const inside = this.tupleOrExpression();
    this.expectOperator(')');
    return inside;
  }

  #items(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.skip(end)) {
      if (items.length > 0) {
        this.expectOperator(',');
        if (this.skip(end)) break;
      }
      items.push(this.expression());
    }
    return items;
  }

  #dict(line: number): Expression {
    const pairs: [Expression, Expression][] = [];
    while (!this.skip('}')) {
      if (pairs.length > 0) {
        this.expectOperator(',');
        if (this.skip('}')) break;
      }
      const key = this.expression();
      this.expectOperator(':');
      pairs.push([key, this.expression()]);
    }
    return { is: 'dict', pairs, line };
  }

  #postfix(first: Expression): Expression {
    let value = first;
    for (;;) {
      const { line } = this.token;
      if (this.skip('.')) value = this.#member(value, line);
      else if (this.skip('[')) value = this.#subscript(value, line);
      else if (this.skip('(')) value = { is: 'call', of: value, args: this.#arguments(), line };
      else return value;
    }
  }

  #member(of: Expression, line: number): Expression {
    const { type, value } = this.token;
    if (type !== 'integer') return { is: 'attribute', of, name: this.name(), line };
    this.advance();
    return { is: 'item', of, key: { is: 'constant', value: BigInt(value.replaceAll('_', '')), line }, line };
  }

  #subscript(of: Expression, line: number): Expression {
    const part = () => (this.#isOperator(':') || this.#isOperator(']') ? null : this.expression());
    const start = part();
    if (this.skip(']')) return start ? { is: 'item', of, key: start, line } : refuse('an empty subscript');
    if (this.#isOperator(',')) refuse('a subscript of several parts is not taken');
    this.expectOperator(':');
    const stop = part();
    const step = this.skip(':') ? part() : null;
    this.expectOperator(']');
    return { is: 'slice', of, start, stop, step, line };
  }

  #arguments(): Argument[] {
    const args: Argument[] = [];
    while (!this.skip(')')) {
      if (args.length > 0) {
        this.expectOperator(',');
        if (this.skip(')')) break;
      }
      if (this.#isOperator('*') || this.#isOperator('**')) refuse('arguments by * and ** are not taken');
      const next = this.tokens[this.#at + 1];
      if (this.token.type === 'name' && next?.type === 'operator' && next.value === '=') {
        const name = this.name();
        this.advance();
        if (args.some((argument) => argument.name === name)) refuse(`the argument ${name} stands twice`);
        args.push({ name, value: this.expression() });
      } else {
        if (args.at(-1)?.name !== undefined) refuse('an argument without a name after one with it');
        args.push({ value: this.expression() });
      }
    }
    return args;
  }

  #filtersAndTests(first: Expression): Expression {
    let value = first;
    for (;;) {
      const { line } = this.token;
      if (this.#isOperator('|')) value = this.filters(value)!;
      else if (this.skipName('is')) value = this.#test(value, line);
      else if (this.skip('(')) value = { is: 'call', of: value, args: this.#arguments(), line };
      else return value;
    }
  }

  /** @param of input; null: the body of a filter block @param bare whether the first filter has no `|` */
  protected filters(of: Expression | null, bare = false): Expression | null {
    let value = of;
    for (let first = bare; first || this.skip('|'); first = false) {
      const { line } = this.token;
      const name = this.#dotted();
      const args = this.skip('(') ? this.#arguments() : [];
      value = { is: 'filter', of: value, name, args, line };
    }
    return value;
  }

  #test(of: Expression, line: number): Expression {
    const negated = this.skipName('not');
    const name = this.#dotted();
    let args: Argument[] = [];
    if (this.skip('(')) args = this.#arguments();
    else if (this.#beginsTestArgument()) {
      if (this.#isName('is')) refuse('tests cannot be chained by a second is');
      args = [{ value: this.#postfix(this.#primary()) }];
    }
    return { is: 'test', of, name, args, negated, line };
  }

  #beginsTestArgument(): boolean {
    const { type, value } = this.token;
    if (type === 'operator') return ['(', '[', '{'].includes(value);
    if (type === 'name') return !['else', 'or', 'and'].includes(value);
    return type === 'string' || type === 'integer' || type === 'float';
  }

  #dotted(): string {
    let name = this.name();
    while (this.skip('.')) name += `.${this.name()}`;
    return name;
  }

  #endsTuple(): boolean {
    const { type, value } = this.token;
    return type === 'variable_end' || type === 'block_end' || (type === 'operator' && value === ')');
  }

  #isName(name: string): boolean {
    return this.token.type === 'name' && this.token.value === name;
  }

  #isOperator(operator: string): boolean {
    return this.token.type === 'operator' && this.token.value === operator;
  }
}

const WORDS: Partial<Record<Token['type'], string>> = {
  block_end: '%}',
  variable_end: '}}',
  end: 'the end',
};
const words = (type: Token['type']): string => WORDS[type] ?? type;

function shown({ type, value }: Pick<Token, 'type' | 'value'>): string {
  return type === 'end' ? 'the end of the template' : JSON.stringify(value.trim());
}
