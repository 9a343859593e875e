// Syntax tree of a template, like that of Jinja's parser (jinja2/nodes.py), for the supported features.

export interface Argument {
  /** Undefined: positional. */
  readonly name?: string;
  readonly value: Expression;
}

export type Expression = { readonly line: number } & (
  | { readonly is: 'constant'; readonly value: string | bigint | number | boolean | null }
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'list' | 'tuple'; readonly items: readonly Expression[] }
  | { readonly is: 'dict'; readonly pairs: readonly (readonly [Expression, Expression])[] }
  | { readonly is: 'attribute'; readonly of: Expression; readonly name: string }
  | { readonly is: 'item'; readonly of: Expression; readonly key: Expression }
  | {
      readonly is: 'slice';
      readonly of: Expression;
      readonly start: Expression | null;
      readonly stop: Expression | null;
      readonly step: Expression | null;
    }
  | { readonly is: 'call'; readonly of: Expression; readonly args: readonly Argument[] }
  | {
      readonly is: 'filter';
      /** Null: the body of a filter block. */
      readonly of: Expression | null;
      readonly name: string;
      readonly args: readonly Argument[];
    }
  | {
      readonly is: 'test';
      readonly of: Expression;
      readonly name: string;
      readonly args: readonly Argument[];
      readonly negated: boolean;
    }
  | {
      readonly is: 'if';
      readonly condition: Expression;
      readonly consequent: Expression;
      readonly otherwise: Expression | null;
    }
  | { readonly is: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly is: 'not' | 'negative' | 'positive'; readonly of: Expression }
  | {
      readonly is: 'compare';
      readonly first: Expression;
      readonly rest: readonly { readonly operator: Comparison; readonly with: Expression }[];
    }
  | {
      readonly is: 'arithmetic';
      readonly operator: Arithmetic;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly is: 'concat'; readonly parts: readonly Expression[] }
);
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';
export type Arithmetic = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** Target of an assignment: a name, several at once, or a field of a namespace. */
export type Target =
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'names'; readonly targets: readonly Target[] }
  | { readonly is: 'field'; readonly namespace: string; readonly name: string };

export interface Parameter {
  readonly name: string;
  readonly initial: Expression | null;
}

/** `source` is the text of its first tag, without the delimiters. */
export type Statement = { readonly line: number; readonly source: string } & (
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'print'; readonly value: Expression }
  | {
      readonly is: 'if';
      readonly branches: readonly { readonly condition: Expression; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly is: 'for';
      readonly target: Target;
      readonly over: Expression;
      readonly condition: Expression | null;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | { readonly is: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly is: 'set block';
      readonly target: Target;
      readonly filter: Expression | null;
      readonly body: readonly Statement[];
    }
  | {
      readonly is: 'macro';
      readonly name: string;
      readonly parameters: readonly Parameter[];
      readonly body: readonly Statement[];
    }
  | { readonly is: 'filter block'; readonly filter: Expression; readonly body: readonly Statement[] }
  | {
      readonly is: 'with';
      readonly bindings: readonly (readonly [Target, Expression])[];
      readonly body: readonly Statement[];
    }
);
