// An ESLint rule: a property that several provision states share is a column of src/domain/provision/table.ts.
import { readFileSync } from 'node:fs';

const TABLE = readFileSync(new URL('../../src/domain/provision/table.ts', import.meta.url), 'utf8');
/** The keys of `STATES`. */
const STATES = new Set(
  [
    ...TABLE.match(/export const STATES = \{(.*?)\n\} as const/s)[1].matchAll(/^ {2}(?:'([^']+)'|(\w+)):/gm),
  ].map(([, quoted, bare]) => quoted ?? bare),
);
/** State names with other meanings, too: an image is active, a log line is an error, a rescue is a kind of step. */
const COMMON = new Set(['active', 'available', 'error', 'rescue']);

/** Whether the names are a list of states: at least two states, one of them not in COMMON. */
const isList = (names) => {
  const states = new Set(names.filter((name) => STATES.has(name)));
  return states.size > 1 && [...states].some((name) => !COMMON.has(name));
};
const textOf = (node) => (node?.type === 'Literal' ? node.value : undefined);

export const provisionStates = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      list: 'give these states a column in src/domain/provision/table.ts, and ask for it by factsOfRow() or statesWith()',
    },
  },
  create(context) {
    const { sourceCode } = context;
    const report = (node, names) => {
      if (isList(names)) context.report({ node, messageId: 'list' });
    };
    /** The values that a condition compares with. */
    const compared = (node) => {
      if (node.type === 'LogicalExpression') return [...compared(node.left), ...compared(node.right)];
      if (node.type !== 'BinaryExpression' || !/^[!=]==?$/.test(node.operator)) return [];
      return [textOf(node.left), textOf(node.right)];
    };
    return {
      ArrayExpression: (node) => report(node, node.elements.map(textOf)),
      ObjectExpression: (node) =>
        report(
          node,
          node.properties.map(({ key }) => (key?.type === 'Identifier' ? key.name : textOf(key))),
        ),
      TSUnionType: (node) =>
        report(
          node,
          node.types.map(({ literal }) => textOf(literal)),
        ),
      LogicalExpression(node) {
        const { parent } = node;
        if (parent.type !== 'LogicalExpression') report(node, compared(node));
      },
      SwitchStatement: (node) =>
        report(
          node,
          node.cases.map(({ test }) => textOf(test)),
        ),
      TemplateLiteral: (node) =>
        report(
          node,
          [...sourceCode.getText(node).matchAll(/'([a-z -]+)'/g)].map(([, name]) => name),
        ),
    };
  },
};
