import { fileURLToPath } from 'node:url';
import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript, as ESLint takes it.
import { provisionStates } from '../../../scripts/lint/provision-states.js';

function found(code: string): number {
  const messages = new Linter().verify(`export const x = (state: string) => ${code};`, {
    languageOptions: { parser: tseslint.parser as Linter.Parser },
    plugins: { states: { rules: { 'one-table': provisionStates } } },
    rules: { 'states/one-table': 'error' },
  });
  expect(messages.filter(({ fatal }) => fatal)).toEqual([]);
  return messages.length;
}

it('holds for every file of src but the table', async () => {
  const eslint = new ESLint();
  const ruleOf = async (path: string) => {
    const file = fileURLToPath(new URL(`../../../${path}`, import.meta.url));
    const config = (await eslint.calculateConfigForFile(file)) as { rules: Record<string, unknown[]> };
    return config.rules['states/one-table']?.[0];
  };
  expect(await ruleOf('src/domain/node/edit.ts')).toBe(2);
  expect(await ruleOf('src/domain/provision/table.ts')).toBeUndefined();
});

it.each([
  [`['cleaning', 'clean wait'].includes(state)`, 1],
  [`new Set(['active', 'rescue wait']).has(state)`, 1],
  [`state === 'cleaning' || state === 'clean wait'`, 1],
  [`state !== 'enroll' && (state === 'x' || state !== 'manageable')`, 1],
  [`({ enroll: 1, manageable: 2 })[state]`, 1],
  [`state as 'deploying' | 'active'`, 1],
  ["`update node set a = 1 where provision_state in ('inspecting', 'inspect wait') ${state}`", 1],
  // One state is no list, and these words mean other things, too.
  [`state === 'cleaning'`, 0],
  [`['debug', 'error', 'active', state]`, 0],
  [`state === 'active' || state === 'error'`, 0],
  [`['cleaning', 'wait', state]`, 0],
])('%s', (code, count) => {
  expect(found(code)).toBe(count);
});
