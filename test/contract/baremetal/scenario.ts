/**
 * Commands for both servers, as somebody would type them, a line each. Every command that lists or shows without
 * changing anything is run twice: for its default table and for `-f json`. Besides words in quotes there are
 *
 *     name=field <- allocation create …     keeps a field of what is shown; {name} stands for it from then on
 *     node set … - <<< text                 what the command reads from its standard input
 *     until one available                   waits until nobody holds the node and it is in the state (power states too)
 *     {3}                                   the UUID that both servers are given under this number
 */
export interface Scenario {
  name: string;
  /** In the directory in which the commands run. */
  files?: Readonly<Record<string, string>>;
  commands: string;
}

export interface CommandStep {
  /** As the scenario has it. */
  line: string;
  argv: string[];
  stdin: string;
  keep?: { name: string; field: string };
}

export interface UntilStep {
  until: string;
  node: string;
}

export const uuid = (number: number): string => `d1ffe700-0000-4000-8000-${String(number).padStart(12, '0')}`;

export function stepsOf({ commands }: Scenario): (CommandStep | UntilStep)[] {
  return commands
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(stepOf);
}

function stepOf(line: string): CommandStep | UntilStep {
  const [, node, until] = /^until (\S+) (.+)$/.exec(line) ?? [];
  if (node !== undefined && until !== undefined) return { node, until };
  const [, name, field] = /^(\w+)=(\w+) <- /.exec(line) ?? [];
  const command = line.replace(/^\w+=\w+ <- /, '');
  const [words = '', stdin = ''] = command.split(' <<< ');
  return {
    line: command,
    argv: wordsOf(words.replaceAll(/\{(\d+)\}/g, (_, number: string) => uuid(Number(number)))),
    stdin,
    ...(name !== undefined && field !== undefined ? { keep: { name, field } } : {}),
  };
}

/** Words as a shell would see them, without anything that it would expand. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
  );
}
