import { type ConfigKey, configKeys } from './config-key.js';
import { GENERATED, type Page, table } from './page.js';

/** docs/reference/configuration.md */
export const configuration: Page = {
  path: 'docs/reference/configuration.md',
  render() {
    const [sections, values] = split(configKeys());
    return `# Configuration

${GENERATED}

Sources, the later the stronger: the defaults below, one YAML file (\`npm start -- --config FILE\` or
\`FERRIC_CONFIG=FILE\`), the environment. A variable is named after its key, with \`__\` for each dot and
\`FERRIC_\` in front: \`FERRIC_API__LISTEN__PORT=7000\` sets \`api.listen.port\`; its text is read as YAML. An unknown
key or a wrong value stops the start, and all faults of all sources are listed together.
[\`config/default.yaml\`](../../config/default.yaml) holds the same keys ready to copy.

${rows(values)}
${sections.map(chapter).join('')}`;
  },
};

function chapter(key: ConfigKey): string {
  const values = leaves(key.below);
  const members = values.filter((value) => value.member.length > 0).map(memberTable);
  const intro = key.description === '' ? '' : `${sentence(key.description)}\n\n`;
  return `\n## ${key.path.join('.')}\n\n${intro}${rows(values)}\n${members.join('')}`;
}

function memberTable(key: ConfigKey): string {
  const list = table(
    ['Key', 'Value', 'Default', 'Meaning'],
    key.member.map((member) => [
      code(member.path.at(-1)!),
      member.kind,
      member.fallback === undefined ? '' : code(JSON.stringify(member.fallback)),
      sentence(member.description),
    ]),
  );
  return `\nEach member of \`${key.path.join('.')}\`:\n\n${list}\n`;
}

const rows = (values: readonly ConfigKey[]) =>
  table(
    ['Key', 'Value', 'Default', 'Meaning'],
    values.map((key) => [
      code(key.path.join('.')),
      key.kind,
      code(JSON.stringify(key.fallback)),
      sentence(key.description),
    ]),
  );

function leaves(keys: readonly ConfigKey[]): ConfigKey[] {
  return keys.flatMap((key) => (key.below.length > 0 ? leaves(key.below) : [key]));
}

function split(keys: readonly ConfigKey[]): [ConfigKey[], ConfigKey[]] {
  return [keys.filter((key) => key.below.length > 0), keys.filter((key) => key.below.length === 0)];
}

const code = (text: string) => `\`${text}\``;
const sentence = (text: string) => `${text.replace(/\.$/, '')}.`;
