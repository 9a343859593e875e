// Evaluates the tree of a template. It computes with values only: nothing of this process is accessible.
import { refuse, TemplateError } from './error.js';
import { filterNamed } from './filter.js';
import { FUNCTIONS, Loop } from './function.js';
import { getItem } from './item.js';
import { arithmetic, compare, concat, equals, limited, slice } from './operation.js';
import { str } from './print.js';
import type { Argument, Expression, Parameter, Statement, Target } from './syntax.js';
import { testNamed } from './test.js';
import {
  Callable,
  Dict,
  defined,
  type Given,
  isTrue,
  itemsOf,
  Namespace,
  numberOf,
  otherwise,
  type PyValue,
  Tuple,
  typeName,
  Undefined,
} from './value.js';

/** Greatest number of statements and expressions that one template may evaluate. */
const MOST_STEPS = 2_000_000;
/** Greatest nesting of macro calls. */
const DEEPEST_CALL = 50;

/** Names bound in this scope, and the enclosing scopes. */
class Scope {
  readonly #names = new Map<string, PyValue>();

  constructor(private readonly outer: Scope | null) {}

  get(name: string): PyValue | undefined {
    const value = this.#names.get(name);
    return value === undefined ? this.outer?.get(name) : value;
  }

  set(name: string, value: PyValue): void {
    this.#names.set(name, value);
  }
}

/** @throws TemplateError with the line and the source of the tag at fault */
export function evaluate(body: readonly Statement[], variables: ReadonlyMap<string, PyValue>): string {
  const scope = new Scope(null);
  for (const [name, value] of variables) scope.set(name, value);
  return new Evaluation().body(body, new Scope(scope));
}

class Evaluation {
  #steps = 0;
  #calls = 0;

  body(body: readonly Statement[], scope: Scope): string {
    let text = '';
    for (const statement of body) {
      try {
        text += this.#statement(statement, scope);
      } catch (error) {
        throw placed(error, statement);
      }
      limited(text);
    }
    return text;
  }

  #statement(statement: Statement, scope: Scope): string {
    this.#step();
    switch (statement.is) {
      case 'text':
        return statement.text;
      case 'print':
        return str(this.#value(statement.value, scope));
      case 'if': {
        const branch = statement.branches.find(({ condition }) => isTrue(this.#value(condition, scope)));
        return this.body(branch?.body ?? statement.otherwise, scope);
      }
      case 'for':
        return this.#for(statement, scope);
      case 'set':
        this.#assign(statement.target, this.#value(statement.value, scope), scope);
        return '';
      case 'set block': {
        const text = this.body(statement.body, new Scope(scope));
        const value = statement.filter ? this.#value(statement.filter, scope, text) : text;
        this.#assign(statement.target, value, scope);
        return '';
      }
      case 'macro':
        scope.set(statement.name, this.#macro(statement, scope));
        return '';
      case 'filter block':
        return str(this.#value(statement.filter, scope, this.body(statement.body, new Scope(scope))));
      case 'with': {
        const inside = new Scope(scope);
        const values = statement.bindings.map(
          ([target, value]) => [target, this.#value(value, scope)] as const,
        );
        for (const [target, value] of values) this.#assign(target, value, inside);
        return this.body(statement.body, inside);
      }
    }
  }

  #for(statement: Statement & { is: 'for' }, scope: Scope): string {
    const { target, over, condition, body, otherwise } = statement;
    const inside = (item: PyValue) => {
      const own = new Scope(scope);
      this.#assign(target, item, own);
      return own;
    };
    const all = [...itemsOf(this.#value(over, scope))];
    const items = condition ? all.filter((item) => isTrue(this.#value(condition, inside(item)))) : all;
    if (items.length === 0) return this.body(otherwise, new Scope(scope));
    const loop = new Loop(items, equals);
    let text = '';
    for (const [at, item] of items.entries()) {
      loop.go(at);
      const own = inside(item);
      own.set('loop', loop.value);
      text = limited(text + this.body(body, own));
    }
    return text;
  }

  #assign(target: Target, value: PyValue, scope: Scope): void {
    if (target.is === 'name') scope.set(target.name, value);
    else if (target.is === 'field') {
      const space = scope.get(target.namespace);
      if (!(space instanceof Namespace) || space.kind !== 'namespace')
        refuse(`${target.namespace} is no namespace: fields can be set of one only`);
      space.fields.set(target.name, () => value);
    } else {
      const items = itemsOf(value);
      if (items.length !== target.targets.length)
        refuse(`${items.length} values for ${target.targets.length} names`);
      for (const [at, one] of target.targets.entries()) this.#assign(one, items[at]!, scope);
    }
  }

  #macro({ name, parameters, body }: Statement & { is: 'macro' }, scope: Scope): Callable {
    return new Callable(name, (given) => {
      if (++this.#calls > DEEPEST_CALL) refuse('macros in each other too deeply');
      const inside = new Scope(scope);
      this.#bind(name, parameters, given, inside);
      const text = this.body(body, inside);
      this.#calls--;
      return text;
    });
  }

  #bind(macro: string, parameters: readonly Parameter[], { args, named }: Given, inside: Scope): void {
    const names = parameters.map(({ name }) => name);
    if (args.length > names.length) refuse(`${macro} takes ${names.length} arguments, not ${args.length}`);
    const unknown = Object.keys(named).find((name) => names.indexOf(name) < args.length);
    if (unknown !== undefined) refuse(`${macro} has no argument ${unknown} left`);
    for (const [at, { name, initial }] of parameters.entries()) {
      const value = args[at] === undefined ? named[name] : args[at];
      if (value !== undefined) inside.set(name, value);
      else inside.set(name, initial ? this.#value(initial, inside) : new Undefined(name));
    }
  }

  /** @param subject input of the innermost filter of a filter block */
  #value(expression: Expression, scope: Scope, subject?: string): PyValue {
    this.#step();
    const value = (of: Expression) => this.#value(of, scope, subject);
    switch (expression.is) {
      case 'constant':
        return expression.value;
      case 'name':
        return this.#name(expression.name, scope);
      case 'list':
        return expression.items.map(value);
      case 'tuple':
        return new Tuple(expression.items.map(value));
      case 'dict':
        return Dict.of(expression.pairs.map(([key, item]) => [value(key), value(item)] as const));
      case 'attribute':
        return otherwise(getItem(value(expression.of), expression.name, 'attribute'), () =>
          missing(expression.name),
        );
      case 'item': {
        const key = defined(value(expression.key));
        return otherwise(getItem(value(expression.of), key), () => missing(str(key)));
      }
      case 'slice': {
        const [start, stop, step] = [expression.start, expression.stop, expression.step].map((part) =>
          part ? defined(value(part)) : null,
        );
        return slice(defined(value(expression.of)), start!, stop!, step!);
      }
      case 'call':
        return this.#call(value(expression.of), this.#given(expression.args, scope));
      case 'filter': {
        const of = expression.of ? value(expression.of) : subject!;
        return filterNamed(expression.name)(of, this.#given(expression.args, scope));
      }
      case 'test': {
        const of = value(expression.of);
        const holds = testNamed(expression.name)(of, this.#given(expression.args, scope));
        return holds !== expression.negated;
      }
      default:
        return this.#operation(expression, value);
    }
  }

  #operation(expression: Operation, value: (of: Expression) => PyValue): PyValue {
    switch (expression.is) {
      case 'if':
        if (isTrue(value(expression.condition))) return value(expression.consequent);
        return expression.otherwise
          ? value(expression.otherwise)
          : new Undefined('the value of an if without else', true);
      case 'and': {
        const left = value(expression.left);
        return isTrue(left) ? value(expression.right) : left;
      }
      case 'or': {
        const left = value(expression.left);
        return isTrue(left) ? left : value(expression.right);
      }
      case 'not':
        return !isTrue(value(expression.of));
      case 'negative':
      case 'positive': {
        const number = numberOf(defined(value(expression.of)));
        if (number === undefined) return refuse('a sign before what is no number');
        return expression.is === 'negative' ? -number : number;
      }
      case 'compare': {
        let left = value(expression.first);
        for (const { operator, with: other } of expression.rest) {
          const right = value(other);
          if (!compare(operator, left, right)) return false;
          left = right;
        }
        return true;
      }
      case 'arithmetic':
        return arithmetic(expression.operator, value(expression.left), value(expression.right));
      case 'concat':
        return concat(expression.parts.map(value));
    }
  }

  #name(name: string, scope: Scope): PyValue {
    const value = scope.get(name);
    if (value !== undefined) return value;
    return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]! : missing(name);
  }

  #given(args: readonly Argument[], scope: Scope): Given {
    const value = (argument: Argument) => this.#value(argument.value, scope);
    return {
      args: args.filter(({ name }) => name === undefined).map(value),
      named: Object.assign(
        Object.create(null) as Record<string, PyValue>,
        Object.fromEntries(args.flatMap((one) => (one.name === undefined ? [] : [[one.name, value(one)]]))),
      ),
    };
  }

  #call(callee: PyValue, given: Given): PyValue {
    const of = defined(callee);
    if (of instanceof Callable) return of.call(given);
    if (of instanceof Namespace && of.call) return of.call(given);
    return refuse(`${typeName(of)} cannot be called`);
  }

  #step(): void {
    if (++this.#steps > MOST_STEPS) refuse(`more than ${MOST_STEPS} steps`);
  }
}

type Operation = Extract<
  Expression,
  { is: 'if' | 'and' | 'or' | 'not' | 'negative' | 'positive' | 'compare' | 'arithmetic' | 'concat' }
>;
const missing = (what: string) => new Undefined(what);

/** An error names the innermost tag only. */
function placed(error: unknown, { line, source }: Statement): unknown {
  const fault =
    error instanceof RangeError ? new TemplateError('nested too deeply', { cause: error }) : error;
  if (!(fault instanceof TemplateError) || fault.line !== undefined) return fault;
  const named = new TemplateError(`{{ ${source} }}: ${fault.message}`, { cause: fault });
  named.line = line;
  return named;
}
