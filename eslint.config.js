import tseslint from 'typescript-eslint';
import { contained } from './scripts/lint/contained.js';
import { provisionStates } from './scripts/lint/provision-states.js';

const noProcess = [
  { name: 'child_process', message: 'only platform/run-command spawns' },
  { name: 'node:child_process', message: 'only platform/run-command spawns' },
  { name: 'execa', message: 'only platform/run-command spawns' },
];
const noThreads = ['worker_threads', 'node:worker_threads'].map((name) => ({
  name,
  message: 'threads are WorkerThread of platform/worker-thread, their modules use platform/worker-port',
}));

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'var/**',
      '.lab/**',
      'coverage/**',
      '**/*.js',
      '**/*.cjs',
      '**/*.mjs',
    ],
  },
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines': ['error', 400],
    },
  },
  {
    // The compiler knows the type of every value. eslint-suppressions.json counts the exceptions by file and rule; the
    // counts only fall (`npm run lint` fails on more exceptions, and on a count that is too high).
    files: ['src/**/*.ts', 'agent/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-call': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
    },
  },
  {
    // One module starts processes (platform/run-command), one starts threads (platform/worker-thread), one reads the
    // environment (config/process-source).
    files: ['src/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [...noProcess, ...noThreads] }] },
  },
  {
    files: ['src/platform/run-command.ts', 'src/database/embedded-server.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: noThreads }] },
  },
  {
    files: ['src/platform/worker-thread.ts', 'src/platform/worker-port.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: noProcess }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/process-source.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'only config/process-source.ts reads the environment',
        },
        ...[
          "MemberExpression > MemberExpression.object[property.name='driver_internal_info']",
          "SpreadElement > MemberExpression[property.name='driver_internal_info']",
          "VariableDeclarator[init.property.name='driver_internal_info'] > ObjectPattern",
        ].map((selector) => ({
          selector,
          message: 'what is in driver_internal_info is known to driver/contract/internal-info.ts alone',
        })),
      ],
    },
  },
  {
    // The main thread must not end by an error of a handler. A worker thread or a command server may: its parent is
    // notified.
    files: ['src/**/*.ts'],
    ignores: [
      'src/**/*-worker.ts',
      'src/platform/worker-port.ts',
      'src/platform/command-server.ts',
      'src/platform/boundary.ts',
    ],
    plugins: { ferric: { rules: { contained } } },
    rules: { 'ferric/contained': 'error' },
  },
  {
    // Lists of provision states stand in one table.
    files: ['src/**/*.ts'],
    ignores: ['src/domain/provision/table.ts'],
    plugins: { states: { rules: { 'one-table': provisionStates } } },
    rules: { 'states/one-table': 'error' },
  },
  {
    // Functions of the conductor stay short. Exempt: the wiring, a list of its parts.
    files: ['src/conductor/**/*.ts', 'src/domain/provision/**/*.ts'],
    ignores: ['src/conductor/compose.ts', 'src/conductor/conductor.module.ts'],
    rules: {
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    // Test files of a tier share a process, in which a module that another file has loaded is not replaced any more.
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['mock', 'doMock'].map((property) => ({
          object: 'vi',
          property,
          message: 'Pass the replacement as an argument, or watch the real thing.',
        })),
      ],
    },
  },
);
