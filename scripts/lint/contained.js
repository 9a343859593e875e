// An ESLint rule: handlers that Node.js calls go through the boundary, src/platform/boundary.ts.

/** Methods whose second argument is a handler. */
const EMITTERS = new Set([
  'on',
  'once',
  'addListener',
  'prependListener',
  'addEventListener',
  'prependOnceListener',
]);
/** Functions whose first argument is a handler. */
const TIMERS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'nextTick']);
/** Functions that settle a promise or remove a handler; they do not throw. */
const HARMLESS = new Set('resolve reject off clearTimeout clearInterval'.split(' '));

export const contained = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      handler:
        'wrap this handler by contained() of src/platform/boundary.ts: what it throws ends the process',
      promise: 'hand this promise to detached() of src/platform/boundary.ts: its rejection ends the process',
    },
  },
  create(context) {
    const { sourceCode } = context;
    const services = sourceCode.parserServices;

    /** Whether Node.js declares the callee: then Node.js calls every function passed to it later. */
    const isOfNode = (node) => {
      const call = services.esTreeNodeToTSNodeMap.get(node);
      const signature = services.program.getTypeChecker().getResolvedSignature(call);
      return signature?.declaration?.getSourceFile().fileName.includes('/@types/node/') === true;
    };
    const isFunction = (node) => services.getTypeAtLocation(node).getCallSignatures().length > 0;
    const isPromise = (node) => services.getTypeAtLocation(node).getProperty('then') !== undefined;
    const isWritten = (node) => /^(Arrow)?FunctionExpression$/.test(node.type);
    /** The initial value of a name, or the node itself. */
    const initialOf = (node) => {
      if (node.type !== 'Identifier') return node;
      for (let scope = sourceCode.getScope(node); scope; scope = scope.upper) {
        const variable = scope.set.get(node.name);
        if (variable) return variable.defs[0]?.node.init ?? node;
      }
      return node;
    };
    const isHarmless = (node) => {
      if (node.type === 'Identifier') return HARMLESS.has(node.name);
      if (!isWritten(node)) return false;
      const body = sourceCode.getText(node.body);
      return body === 'undefined' || (body.match(/\w+(?=\()/g) ?? ['']).every((name) => HARMLESS.has(name));
    };
    const isContained = (node) => node.type === 'CallExpression' && node.callee.name === 'contained';
    const look = (node) => {
      const value = initialOf(node);
      if (!isContained(value) && !isHarmless(value)) context.report({ node, messageId: 'handler' });
    };

    return {
      CallExpression(node) {
        const { callee, arguments: given } = node;
        const isMethod = callee.type === 'MemberExpression' && callee.property.type === 'Identifier';
        const name = isMethod ? callee.property.name : callee.name;
        if (TIMERS.has(name) && given.length > 0) {
          if (isFunction(given[0])) look(given[0]);
        } else if (EMITTERS.has(name) && isMethod && given.length > 1) {
          if (isFunction(given[1])) look(given[1]);
        } else if (given.some(isWritten) && isOfNode(node)) given.filter(isWritten).forEach(look);
      },
      'UnaryExpression[operator="void"]'({ argument }) {
        if (isPromise(argument)) context.report({ node: argument, messageId: 'promise' });
      },
    };
  },
};
