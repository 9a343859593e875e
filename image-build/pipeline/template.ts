import nunjucks from 'nunjucks';
import { messageOf } from '../../src/domain/errors.js';

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };
export type Variables = Readonly<Record<string, Value>>;

/** What a template reads from outside. */
export interface TemplateNames {
  /** Must be set. */
  needed: ReadonlySet<string>;
  /** Read through `default(...)` or `is defined`: may be missing. */
  optional: ReadonlySet<string>;
}

/** A template that cannot be read, or asks for more than values. */
export class TemplateError extends Error {}

interface SyntaxNode {
  typename: string;
  fields: readonly string[];
  lineno: number;
  children?: readonly SyntaxNode[];
  [field: string]: unknown;
}
const { parser } = nunjucks as unknown as {
  parser: { parse(source: string, extensions: readonly unknown[], options: object): SyntaxNode };
};

// Of the whole module, and wanted by nobody else here: True, False and None, slices, methods of lists and mappings.
nunjucks.installJinjaCompat();

// As Ansible's template module sets Jinja up: a block's newline goes, autoescape is off, nothing unset is printed.
const OPTIONS = { autoescape: false, throwOnUndefined: true, trimBlocks: true };
// Without a loader: include, import and extends find nothing.
const environment = new nunjucks.Environment(null, OPTIONS);
const isTrue = (value: unknown) => ['true', 'yes', 'on', '1', 'y'].includes(String(value).toLowerCase());
environment.addFilter('bool', isTrue);
environment.addFilter('basename', (path: string) => path.slice(path.lastIndexOf('/') + 1));
environment.addFilter('dirname', (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/'))));
environment.addFilter('quote', (text: string) => `'${text.replaceAll("'", `'\\''`)}'`);
environment.addFilter('to_json', (value: unknown) => JSON.stringify(value));

const FUNCTIONS = ['range', 'cycler', 'joiner'];
const METHODS = [
  ...['items', 'keys', 'values', 'get', 'index', 'count'],
  ...['startswith', 'endswith', 'upper', 'lower', 'strip', 'split', 'replace', 'next'],
];
/** Members that lead from a value to code. */
const REFUSED_MEMBERS = ['constructor', 'prototype', '__proto__'];
const REFUSED_TAGS = ['Include', 'Import', 'FromImport', 'Extends', 'CallExtension', 'CallExtensionAsync'];

/**
 * What the text reads, found without running it.
 * @throws TemplateError for a text that does not parse, or that calls anything but the functions of a template
 */
export function namesOf(text: string): TemplateNames {
  const names = new Names();
  names.visit(parsed(text), new Set());
  for (const name of names.needed) names.optional.delete(name);
  return names;
}

/**
 * The text with its variables put in.
 * @throws TemplateError
 */
export function render(text: string, variables: Variables): string {
  try {
    return environment.renderString(text, printable(variables) as object);
  } catch (error) {
    throw new TemplateError(plain(error));
  }
}

/** The only name of a text that is nothing but `{{ name }}`: its value is taken as it is, a list stays a list. */
export function soleName(text: string): string | undefined {
  return /^\s*\{\{\s*([A-Za-z_]\w*)\s*\}\}\s*$/.exec(text)?.[1];
}

function parsed(text: string): SyntaxNode {
  try {
    return parser.parse(text, [], OPTIONS);
  } catch (error) {
    const { lineno } = error as { lineno?: number };
    throw new TemplateError(`${lineno === undefined ? '' : `line ${lineno}: `}${plain(error)}`);
  }
}

class Names {
  readonly needed = new Set<string>();
  readonly optional = new Set<string>();

  visit(node: SyntaxNode, bound: Set<string>, isOptional = false): void {
    if (REFUSED_TAGS.includes(node.typename))
      throw new TemplateError(
        `line ${node.lineno + 1}: a template here stands alone, without ${node.typename.toLowerCase()}`,
      );
    switch (node.typename) {
      case 'Symbol':
        this.#name(String(node['value']), bound, isOptional);
        return;
      case 'Filter': {
        const [subject, ...rest] = (node['args'] as SyntaxNode).children ?? [];
        const guards = ['default', 'd'].includes(nameOf(node['name']));
        if (subject) this.visit(subject, bound, isOptional || guards);
        for (const argument of rest) this.visit(argument, bound, isOptional);
        return;
      }
      case 'Is': {
        const test = node['right'] as SyntaxNode;
        const isDefined = ['defined', 'undefined'].includes(nameOf(test));
        this.visit(node['left'] as SyntaxNode, bound, isOptional || isDefined);
        return;
      }
      case 'For': {
        this.visit(node['arr'] as SyntaxNode, bound, isOptional);
        const inside = new Set([...bound, 'loop', ...symbolsOf(node['name'] as SyntaxNode)]);
        this.visit(node['body'] as SyntaxNode, inside, isOptional);
        if (node['else_']) this.visit(node['else_'] as SyntaxNode, bound, isOptional);
        return;
      }
      case 'Set': {
        if (node['value']) this.visit(node['value'] as SyntaxNode, bound, isOptional);
        if (node['body']) this.visit(node['body'] as SyntaxNode, bound, isOptional);
        for (const target of node['targets'] as SyntaxNode[]) bound.add(nameOf(target));
        return;
      }
      case 'Macro': {
        bound.add(nameOf(node['name']));
        const inside = new Set([...bound, ...symbolsOf(node['args'] as SyntaxNode), 'caller']);
        this.visit(node['body'] as SyntaxNode, inside, isOptional);
        return;
      }
      case 'LookupVal': {
        const member = node['val'] as SyntaxNode;
        const isFixed = member.typename === 'Literal' || member.typename === 'Slice';
        if (!isFixed || REFUSED_MEMBERS.includes(String(member['value'])))
          throw new TemplateError(
            `line ${node.lineno + 1}: only members with a fixed, harmless name can be read`,
          );
        this.visit(node['target'] as SyntaxNode, bound, isOptional);
        return;
      }
      case 'FunCall': {
        this.#call(node, bound);
        this.visit(node['args'] as SyntaxNode, bound, isOptional);
        return;
      }
      case 'KeywordArgs':
      case 'Dict':
        for (const pair of node.children ?? []) this.visit(pair['value'] as SyntaxNode, bound, isOptional);
        return;
    }
    for (const below of childrenOf(node)) this.visit(below, bound, isOptional);
  }

  #call(node: SyntaxNode, bound: Set<string>): void {
    const called = node['name'] as SyntaxNode;
    if (called.typename === 'Symbol') {
      const name = String(called['value']);
      if (FUNCTIONS.includes(name) || bound.has(name)) return;
    }
    if (called.typename === 'LookupVal') {
      const method = (called['val'] as SyntaxNode)['value'];
      if (METHODS.includes(String(method))) {
        this.visit(called['target'] as SyntaxNode, bound);
        return;
      }
    }
    throw new TemplateError(
      `line ${node.lineno + 1}: nothing but ${[...FUNCTIONS, ...METHODS].join(', ')} can be called`,
    );
  }

  #name(name: string, bound: Set<string>, isOptional: boolean): void {
    if (bound.has(name) || ['True', 'False', 'None', ...FUNCTIONS].includes(name)) return;
    (isOptional ? this.optional : this.needed).add(name);
  }
}

function nameOf(node: unknown): string {
  const { typename, value, name } = node as SyntaxNode & { value?: unknown; name?: unknown };
  return typename === 'FunCall' || typename === 'Filter' ? nameOf(name) : String(value);
}

function symbolsOf(node: SyntaxNode): string[] {
  if (node.typename === 'Symbol') return [String(node['value'])];
  if (node.typename === 'KeywordArgs' || node.typename === 'Dict')
    return (node.children ?? []).map((pair) => nameOf(pair['key']));
  return childrenOf(node).flatMap(symbolsOf);
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const isNode = (value: unknown): value is SyntaxNode =>
    typeof value === 'object' && value !== null && 'typename' in value;
  return node.fields.flatMap((field) => [node[field]].flat().filter(isNode));
}

/** Lists and mappings that print as Jinja prints them: the way Python writes them. */
function printable(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  const copy: object = Array.isArray(value)
    ? value.map(printable)
    : Object.fromEntries(Object.entries(value).map(([name, below]) => [name, printable(below as Value)]));
  return Object.defineProperty(copy, 'toString', { value: () => python(value) }) as Value;
}

function python(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string')
    return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value.replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, below]) => `'${key}': ${python(below as Value)}`)
      .join(', ')}}`;
  return String(value);
}

/** nunjucks puts "(unknown path)" and a line break before what it has to say. */
function plain(error: unknown): string {
  return messageOf(error)
    .replaceAll(/\(unknown path\)\s*/g, '')
    .replace(/^Template render error:\s*/, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\[Line (\d+), Column \d+\]/, 'line $1:')
    .trim();
}
