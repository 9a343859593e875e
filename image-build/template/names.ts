// Static analysis: the variables that a template reads, and whether everything else that it uses is supported.
import { refuse, TemplateError } from './error.js';
import { filterNamed } from './filter.js';
import { FUNCTIONS } from './function.js';
import type { Argument, Expression, Statement, Target } from './syntax.js';
import { testNamed } from './test.js';

export interface TemplateNames {
  /** Variables that must be set. */
  needed: ReadonlySet<string>;
  /** Variables read through `default(...)` or `is defined`: may be missing. */
  optional: ReadonlySet<string>;
}

/** @throws TemplateError for an unknown filter, test or function */
export function namesIn(body: readonly Statement[]): TemplateNames {
  const names = new Names();
  names.body(body, new Set());
  for (const name of names.needed) names.optional.delete(name);
  return names;
}

class Names {
  readonly needed = new Set<string>();
  readonly optional = new Set<string>();

  body(body: readonly Statement[], bound: Set<string>): void {
    for (const statement of body) {
      try {
        this.#statement(statement, bound);
      } catch (error) {
        if (!(error instanceof TemplateError) || error.line !== undefined) throw error;
        const named = new TemplateError(`{{ ${statement.source} }}: ${error.message}`, { cause: error });
        named.line = statement.line;
        throw named;
      }
    }
  }

  #statement(statement: Statement, bound: Set<string>): void {
    switch (statement.is) {
      case 'text':
        return;
      case 'print':
        this.#expression(statement.value, bound);
        return;
      case 'if':
        for (const { condition, body } of statement.branches) {
          this.#expression(condition, bound);
          this.body(body, bound);
        }
        this.body(statement.otherwise, bound);
        return;
      case 'for': {
        this.#expression(statement.over, bound);
        const inside = new Set([...bound, ...targetsOf(statement.target)]);
        if (statement.condition) this.#expression(statement.condition, inside);
        this.body(statement.body, new Set([...inside, 'loop']));
        this.body(statement.otherwise, new Set(bound));
        return;
      }
      case 'set':
        this.#expression(statement.value, bound);
        this.#assigned(statement.target, bound);
        return;
      case 'set block':
        if (statement.filter) this.#expression(statement.filter, bound);
        this.body(statement.body, new Set(bound));
        this.#assigned(statement.target, bound);
        return;
      case 'macro': {
        bound.add(statement.name);
        const inside = new Set(bound);
        for (const { name, initial } of statement.parameters) {
          if (initial) this.#expression(initial, inside);
          inside.add(name);
        }
        this.body(statement.body, inside);
        return;
      }
      case 'filter block':
        this.#expression(statement.filter, bound);
        this.body(statement.body, new Set(bound));
        return;
      case 'with': {
        for (const [, value] of statement.bindings) this.#expression(value, bound);
        const inside = new Set([...bound, ...statement.bindings.flatMap(([target]) => targetsOf(target))]);
        this.body(statement.body, inside);
      }
    }
  }

  #assigned(target: Target, bound: Set<string>): void {
    if (target.is === 'field') this.#name(target.namespace, bound, false);
    for (const name of targetsOf(target)) bound.add(name);
  }

  #expression(expression: Expression, bound: Set<string>, isOptional = false): void {
    const visit = (below: Expression | null) => {
      if (below) this.#expression(below, bound, isOptional);
    };
    const given = (args: readonly Argument[]) => {
      for (const { value } of args) visit(value);
    };
    switch (expression.is) {
      case 'constant':
        return;
      case 'name':
        this.#name(expression.name, bound, isOptional);
        return;
      case 'list':
      case 'tuple':
        for (const item of expression.items) visit(item);
        return;
      case 'dict':
        for (const pair of expression.pairs) for (const part of pair) visit(part);
        return;
      case 'attribute':
        if (expression.name.startsWith('_')) refuse(`${expression.name} is out of a template's reach`);
        visit(expression.of);
        return;
      case 'item':
        visit(expression.of);
        visit(expression.key);
        return;
      case 'slice':
        for (const part of [expression.of, expression.start, expression.stop, expression.step]) visit(part);
        return;
      case 'call':
        this.#called(expression.of, bound);
        visit(expression.of);
        given(expression.args);
        return;
      case 'filter': {
        filterNamed(expression.name);
        const guards = ['default', 'd'].includes(expression.name);
        if (expression.of) this.#expression(expression.of, bound, isOptional || guards);
        given(expression.args);
        return;
      }
      case 'test': {
        testNamed(expression.name);
        const guards = ['defined', 'undefined'].includes(expression.name);
        this.#expression(expression.of, bound, isOptional || guards);
        given(expression.args);
        return;
      }
      case 'if':
        for (const part of [expression.condition, expression.consequent, expression.otherwise]) visit(part);
        return;
      case 'and':
      case 'or':
      case 'arithmetic':
        visit(expression.left);
        visit(expression.right);
        return;
      case 'not':
      case 'negative':
      case 'positive':
        visit(expression.of);
        return;
      case 'compare':
        visit(expression.first);
        for (const { with: other } of expression.rest) visit(other);
        return;
      case 'concat':
        for (const part of expression.parts) visit(part);
    }
  }

  /** A called name must be a macro or a function: variables are values, and cannot be called. */
  #called(callee: Expression, bound: ReadonlySet<string>): void {
    if (callee.is !== 'name' || bound.has(callee.name) || Object.hasOwn(FUNCTIONS, callee.name)) return;
    refuse(`there is no function ${callee.name}; ${Object.keys(FUNCTIONS).join(', ')} can be called`);
  }

  #name(name: string, bound: ReadonlySet<string>, isOptional: boolean): void {
    if (bound.has(name) || Object.hasOwn(FUNCTIONS, name)) return;
    (isOptional ? this.optional : this.needed).add(name);
  }
}

function targetsOf(target: Target): string[] {
  if (target.is === 'names') return target.targets.flatMap(targetsOf);
  return target.is === 'name' ? [target.name] : [];
}
