import { readdirSync, readFileSync } from 'node:fs';

/** A command in a page. */
export interface PageCommand {
  page: string;
  /** Line in the page, from 1. */
  line: number;
  /** The whole shell statement that contains it, with continued lines joined. */
  statement: string;
  program: string;
  /** Words after the program's name, unquoted. */
  words: string[];
}

/** Pages with commands for the reader to type. */
export const PAGES = [
  'README.md',
  'docker/README.md',
  ...['tutorial', 'how-to'].flatMap((folder) =>
    readdirSync(`docs/${folder}`).map((name) => `docs/${folder}/${name}`),
  ),
];

interface Block {
  /** Its first line, from 1. */
  line: number;
  text: string;
}

/**
 * The commands of a page. An indented block, and a fenced one without a language or with a shell's, contains commands
 * only: anything else (a configuration, an output) needs a fence that names its language.
 */
export function commandsOf(page: string, text = readFileSync(page, 'utf8')): PageCommand[] {
  return blocksOf(text).flatMap((block) => commandsIn(page, block));
}

/** Commands inside sentences: in backticks, with an argument. */
export function namedCommandsOf(page: string, text = readFileSync(page, 'utf8')): PageCommand[] {
  const named = /`((?:sudo )?(?:\.\/ferric|ferric|baremetal|openstack|make|npm|scripts\/[\w./-]+)\s[^`]+)`/g;
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, (fence) => fence.replaceAll('`', ' '));
  return [...prose.matchAll(named)].flatMap(({ 1: command, index }) =>
    commandsIn(page, {
      line: text.slice(0, index).split('\n').length,
      text: command!.replaceAll('\n', ' '),
    }),
  );
}

const SHELLS = ['', 'sh', 'bash', 'console'];

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let fence: string | undefined;
  let isOpen = false;
  let before = '';
  for (const [index, line] of text.split('\n').entries()) {
    const [mark, language = ''] = /^\s*```(\w*)/.exec(line) ?? [];
    const begins: boolean =
      mark === undefined
        ? fence === undefined && !isOpen && before.trim() === '' && INDENTED.test(line)
        : fence === undefined && SHELLS.includes(language);
    if (begins) blocks.push({ line: mark === undefined ? index + 1 : index + 2, text: '' });
    if (mark !== undefined) {
      fence = fence === undefined ? language : undefined;
      isOpen = begins;
    } else if (fence === undefined) {
      isOpen = begins || (isOpen && (line.trim() === '' || INDENTED.test(line)));
    }
    if (isOpen && mark === undefined) blocks.at(-1)!.text += `${line}\n`;
    before = line;
  }
  return blocks;
}

const INDENTED = /^ {4}/;

/** Separators of commands in the shell's grammar. */
const SEPARATORS = ['&&', '||', ';', '|', '&', '{', '}'];
/** Words before a command that are not commands themselves. */
const PREFIX = /^(sudo|exec|[A-Z_]+=.*)$/;

function commandsIn(page: string, { line, text }: Block): PageCommand[] {
  const commands: PageCommand[] = [];
  let at = line;
  for (const statement of statementsOf(text)) {
    const from = at + leadingLines(statement);
    at += statement.split('\n').length - 1;
    const whole = statement.trim();
    for (const words of simpleCommands(whole)) {
      const start = words.findIndex((word) => !PREFIX.test(word));
      if (start >= 0)
        commands.push({
          page,
          line: from,
          statement: whole,
          program: words[start]!,
          words: words.slice(start + 1),
        });
    }
  }
  return commands;
}

function leadingLines(statement: string): number {
  return statement.slice(0, statement.length - statement.trimStart().length).split('\n').length - 1;
}

/** A line end ends a statement, unless it is quoted or escaped. */
function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let from = 0;
  scan(text, (char, index, quote) => {
    if (char === '\n' && quote === '') {
      statements.push(text.slice(from, index + 1));
      from = index + 1;
    }
  });
  return [...statements, text.slice(from)].filter((statement) => statement !== '');
}

/** Calls back for each character except backslashes, escaped characters and comments, with the quote around it. */
function scan(text: string, each: (char: string, index: number, quote: string) => void): void {
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const char = text[index]!;
    if (char === '\\' && quote !== "'") {
      index++;
      continue;
    }
    if (char === '#' && quote === '' && /(^|\s)$/.test(text.slice(0, index))) {
      while (index + 1 < text.length && text[index + 1] !== '\n') index++;
      continue;
    }
    if (quote === '' ? char === "'" || char === '"' : char === quote) quote = quote === '' ? char : '';
    each(char, index, quote);
  }
}

/** The words of each command in a statement; those in `$(…)` are separate commands. */
function simpleCommands(statement: string): string[][] {
  const inner: string[] = [];
  const outer = withoutComments(statement).replaceAll(/\$\(([^()]+)\)/g, (_, text: string) => {
    inner.push(text);
    return '$SUBSTITUTED';
  });
  const commands: string[][] = [[]];
  for (const word of tokensOf(outer)) {
    if (SEPARATORS.includes(word)) commands.push([]);
    else commands.at(-1)!.push(unquoted(word));
  }
  return [...commands.filter((words) => words.length > 0), ...inner.flatMap(simpleCommands)];
}

function withoutComments(statement: string): string {
  let text = '';
  let last = -1;
  scan(statement, (_char, index) => {
    // The skipped text is an escaped character, or a comment.
    if (statement[last + 1] !== '#') text += statement.slice(last + 1, index);
    text += statement[index];
    last = index;
  });
  return text;
}

function tokensOf(text: string): string[] {
  const token = /&&|\|\||[;|&](?!\S*['"])|(?:\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|[^\s;|&'"\\])+/g;
  return [...text.replaceAll(/\\\n\s*/g, ' ').matchAll(token)].map(([word]) => word);
}

function unquoted(word: string): string {
  return word.replaceAll(
    /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])/g,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replaceAll(/\\([\\"$`])/g, '$1') ?? escaped ?? '',
  );
}
