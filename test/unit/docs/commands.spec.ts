// What the pages tell people to type, held against the programs themselves. test/contract/docs runs it.
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createProgram, GROUP_NAMES } from '../../../cli/program.js';
import type { Shell } from '../../../cli/shell.js';
import { loadConfig } from '../../../src/config/load.js';
import { readOptions } from '../../../src/config/options.js';
import { configSchema } from '../../../src/config/schema.js';
import { commandsOf, namedCommandsOf, PAGES, type PageCommand } from '../../support/docs/page-commands.js';
import { PROGRAMS, packagesOf, says } from '../../support/docs/programs.js';

const read = (path: string) => readFileSync(path, 'utf8');
const typed = PAGES.flatMap((page) => commandsOf(page));
const all = [...typed, ...PAGES.flatMap((page) => namedCommandsOf(page))];

/** `page:line: what` for each command in which something is wrong. */
function wrong(
  commands: readonly PageCommand[],
  find: (command: PageCommand) => string | undefined,
): string[] {
  return commands.flatMap((command) => {
    const what = find(command);
    return what === undefined ? [] : [`${command.page}:${command.line}: ${command.statement}: ${what}`];
  });
}

describe('the reader of pages', () => {
  it('joins lines, splits commands, looks into substitutions and leaves comments and data out', () => {
    const page = [
      'Text:',
      '',
      "    A=b sudo one --x '# {' \\",
      '      "y z" && two $(three "four five") | six   # seven; eight',
      '    nine; ten &',
      '',
      '```yaml',
      'no: command',
      '```',
      '```',
      "eleven '{",
      "  }' twelve",
      '```',
    ].join('\n');
    expect(commandsOf('page.md', page).map(({ line, program, words }) => [line, program, ...words])).toEqual([
      [3, 'one', '--x', '# {', 'y z'],
      [3, 'two', '$SUBSTITUTED'],
      [3, 'six'],
      [3, 'three', 'four five'],
      [5, 'nine'],
      [5, 'ten'],
      [11, 'eleven', '{\n  }', 'twelve'],
    ]);
    expect(typed.length).toBeGreaterThan(80);
    expect(new Set(typed.map(({ page: name }) => name)).size).toBeGreaterThan(13);
  });
});

describe('commands of README, tutorial and how-to', () => {
  it('are of programs that the page installs or names before', () => {
    const missing = wrong(typed, ({ page, line, program }) => {
      const origin = PROGRAMS[program];
      if (origin === undefined) return `nobody knows where ${program} comes from`;
      if (!('package' in origin)) return undefined;
      const before = read(page).split('\n').slice(0, line).join('\n');
      return says(before, origin.package)
        ? undefined
        : `${origin.package} is neither installed nor named before`;
    });
    expect(missing).toEqual([]);
    for (const name of ['git', 'make'])
      expect(read('README.md').split('make demo')[0]).toContain(`\`${name}\``);
  });

  it('are of `ferric` as it is', async () => {
    const program = await createProgram({} as Shell, GROUP_NAMES);
    const ours = all.filter(({ program }) => /^(\.\/)?ferric$/.test(program));
    expect(ours.length).toBeGreaterThan(15);
    expect(wrong(ours, ({ words }) => faultOf(program, words))).toEqual([]);
  });

  it('are of targets, scripts and their options that there are', () => {
    const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;
    const targets = [...read('Makefile').matchAll(/^([a-z-]+):/gm)].map(([, name]) => name!);
    const optionFault = (source: string, words: readonly string[]) =>
      optionsIn(words).find(
        (option) => !new RegExp(`^\\s+'?${option.slice(2)}'?: \\{ type`, 'm').test(read(source)),
      );
    const faults = wrong(all, ({ program, words }) => {
      if (program === 'make') {
        const [target = '', ...more] = words.map((word) => word.replace(/^ARGS=/, ''));
        if (!targets.includes(target)) return `no target ${target}`;
        return target === 'demo' ? optionFault('demo/main.ts', more) : undefined;
      }
      if (program === 'scripts/install-dependencies.sh')
        return words.length === 0 ? 'no group' : words.find((group) => packagesOf(group) === undefined);
      if (program !== 'npm' || words[0] === 'ci') return undefined;
      const [script, ...more] = words[0] === 'run' ? words.slice(1) : words;
      const options = more.slice(more.indexOf('--') + 1);
      if (scripts[script!] === undefined) return `no script ${script}`;
      if (script === 'start') return outcome(() => readOptions(options, {}));
      const [, source] = /node dist\/(\S+)\.js/.exec(scripts[script!]!) ?? [];
      return source === undefined ? undefined : optionFault(`${source}.ts`, options);
    });
    expect(faults).toEqual([]);
  });

  it('name files of the repository that are there', () => {
    const faults = wrong(all, ({ program, words }) =>
      [program, ...words].find((word) => /^(config|scripts|docker)\//.test(word) && !existsSync(word)),
    );
    expect(faults).toEqual([]);
  });

  it('name ports that are the defaults', () => {
    const config = loadConfig({ env: {} });
    const ports = [config.api.listen.port, config.agent.listen.port, config.netboot.http.port];
    const text = (command: PageCommand) => command.words.join(' ');
    const own = /\bhttps?:\/\/(?:127\.0\.0\.1|localhost|10\.20\.0\.1):(\d+)/g;
    const urls = typed.flatMap((command) => [...text(command).matchAll(own)]);
    expect(urls.length).toBeGreaterThan(8);
    const strange = (command: PageCommand) =>
      [...text(command).matchAll(own)].map(([, port]) => port).find((port) => !ports.includes(Number(port)));
    expect(wrong(typed, strange)).toEqual([]);
  });
});

it('configurations in the pages are taken', () => {
  const blocks = PAGES.flatMap((page) =>
    [...read(page).matchAll(/^ *```yaml\n([\s\S]*?)^ *```$/gm)].map(([, text]) => ({ page, text: text! })),
  );
  expect(blocks.length).toBeGreaterThan(3);
  const faults = blocks.map(({ page, text }) => ({ page, fault: configSchema.safeParse(parse(text)).error }));
  expect(faults.filter(({ fault }) => fault !== undefined)).toEqual([]);
});

const optionsIn = (words: readonly string[]) => words.filter((word) => /^--\w/.test(word));

/** What is wrong with a command line, by commander's own tree of commands. */
function faultOf(program: Command, words: readonly string[]): string | undefined {
  let command = program;
  const rest = [...words];
  while (command.commands.length > 0 && rest[0] !== undefined && !rest[0].startsWith('-')) {
    const name = rest.shift()!;
    const found = command.commands.find((one) => one.name() === name);
    if (found === undefined) return `no command ${name}`;
    command = found;
  }
  const known = [...command.options, ...program.options];
  for (const [index, word] of rest.entries()) {
    if (!/^--?[a-z]/i.test(word) || word === '--help') continue;
    const option = known.find(({ short, long }) => word === short || word === long);
    if (option === undefined) return `no option ${word}`;
    const value = rest[index + 1] ?? '';
    if (option.argChoices && !option.argChoices.includes(value)) return `${word} is not ${value}`;
  }
  return undefined;
}

function outcome(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return String(error);
  }
}
