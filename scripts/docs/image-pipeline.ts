import { KEY_NAMES, KEYS, type Key } from '../../image-build/pipeline/keys.js';
import { STEPS } from '../../image-build/pipeline/step-name.js';
import { GENERATED, type Page, table } from './page.js';

/** docs/reference/image-pipeline.md */
export const imagePipeline: Page = {
  path: 'docs/reference/image-pipeline.md',
  render: () => `# Keys and steps of an image pipeline

${GENERATED}

What a build file of \`ferric image pipeline\` may say. How to use it: [image pipeline](../how-to/image-pipeline.md). A key that
is not here is an error that names the nearest one that is.

## Steps

${table(
  ['#', 'Step', 'What it does'],
  STEPS.map(({ number, name, does }) => [String(number), `\`${name}\``, does]),
)}

## Keys

${table(
  ['Key', 'Default', 'Step', 'Effect here'],
  KEY_NAMES.map((name) => {
    const { initial, steps, does, dead } = KEYS[name] as Key;
    const numbers = STEPS.filter((step) => steps.includes(step.name)).map(({ number }) => number);
    return [
      `\`${name}\``,
      initial === undefined ? '' : code(initial),
      numbers.length > 0 ? numbers.join(', ') : dead === undefined ? 'all' : '',
      dead === undefined ? does : `none: ${dead}`,
    ];
  }),
)}
`,
};

function code(initial: unknown): string {
  if (Array.isArray(initial))
    return initial.length > 3 ? `${initial.length} entries` : code(initial.join(' '));
  return `\`${String(initial)}\``;
}
