import { expect, it } from 'vitest';
import { type OptionsEnd, readOptions } from '../../../src/config/options.js';
import { ferricVersion } from '../../../src/config/version.js';

function endOf(...args: string[]): { status: number; message: string } {
  try {
    readOptions(args, {});
  } catch (error) {
    return error as OptionsEnd;
  }
  throw new Error('the options were taken');
}

it('takes the file of --config in both spellings, else of FERRIC_CONFIG, else none', () => {
  expect(readOptions([], {})).toEqual({ file: null, check: false });
  expect(readOptions([], { FERRIC_CONFIG: '/etc/f.yaml' }).file).toBe('/etc/f.yaml');
  expect(readOptions(['--config', 'a.yaml'], { FERRIC_CONFIG: 'b' }).file).toBe('a.yaml');
  expect(readOptions(['--config=a.yaml', '--check'], {})).toEqual({ file: 'a.yaml', check: true });
});

it('refuses what it does not know with status 2 and names it', () => {
  for (const [args, named] of [
    [['--confg', 'a'], '--confg'],
    [['start'], 'argument'],
    [['--config'], 'argument missing'],
    [['--config='], 'names no file'],
    [['-c', 'x'], '-c'],
    [['--config', 'a', 'b'], 'argument'],
    [['--check=yes'], '--check'],
  ] as const) {
    const { status, message } = endOf(...args);
    expect([args, status]).toEqual([args, 2]);
    expect(message).toContain(named);
    expect(message).not.toContain('\n');
  }
});

it('tells help and version and ends with status 0', () => {
  expect(endOf('--version')).toMatchObject({ status: 0, message: ferricVersion() });
  const help = endOf('--help');
  expect(help.status).toBe(0);
  for (const option of ['--config', '--check', '--help', '--version']) expect(help.message).toContain(option);
});
