import { stringify } from 'yaml';
import { type ConfigKey, configKeys } from './config-key.js';
import type { Page } from './page.js';

const WIDTH = 110;
const HEAD = `Every key of Ferric's configuration with its default. Generated from src/config by \`npm run docs:generate\`.
Copy only the keys that you change: \`npm start -- --config FILE\`, or FERRIC_CONFIG=FILE.
The environment is stronger than the file: FERRIC_API__LISTEN__PORT=7000 sets api.listen.port, in YAML.
An unknown key or a wrong value stops the start, with all faults listed.`;

/** config/default.yaml: parsing it gives exactly the schema's defaults. */
export const defaultYaml: Page = {
  path: 'config/default.yaml',
  render: () =>
    `${comment(HEAD, '')}\n\n${configKeys()
      .map((key) => block(key, ''))
      .join('\n')}`,
};

function block(key: ConfigKey, indent: string): string {
  const name = key.path.at(-1)!;
  if (key.below.length > 0) {
    const head = key.description === '' ? '' : `${comment(key.description, indent)}\n`;
    return `${head}${indent}${name}:\n${key.below.map((below) => block(below, `${indent}  `)).join('')}`;
  }
  const text = `${key.description.replace(/\.$/, '')}. ${capital(key.kind)}.`;
  const lines = [comment(text, indent)];
  if (key.member.length > 0) {
    lines.push(comment('Keys of each:', indent));
    for (const member of key.member) {
      const fallback = member.fallback === undefined ? '' : `; default ${JSON.stringify(member.fallback)}`;
      lines.push(
        comment(
          `${member.path.at(-1)}: ${member.description}. ${capital(member.kind)}${fallback}.`,
          indent,
          '  ',
        ),
      );
    }
  }
  const value = stringify({ [name]: key.fallback }, { lineWidth: 0 }).trimEnd();
  const set = value
    .split('\n')
    .map((line) => indent + line)
    .join('\n');
  return `${lines.join('\n')}\n${set}\n`;
}

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Text as comment lines of at most WIDTH characters; the text's own line breaks stay. */
function comment(text: string, indent: string, hang = ''): string {
  return text
    .split('\n')
    .flatMap((paragraph) => wrap(paragraph, WIDTH - indent.length - hang.length - 2))
    .map((line) => `${indent}# ${hang}${line}`)
    .join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
