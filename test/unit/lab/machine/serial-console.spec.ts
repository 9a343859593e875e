import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SerialConsole } from '../../../../lab/machine/serial-console.js';

describe('a serial console', () => {
  let directory: string;
  let serial: SerialConsole;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lab-serial-'));
    serial = new SerialConsole(join(directory, 'serial.log'));
  });
  afterEach(async () => {
    await serial.close();
    rmSync(directory, { recursive: true });
  });
  const write = (text: string) => serial.write(Buffer.from(text, 'latin1'));

  it('drops terminal control, even when it comes octet by octet, and keeps it in the log', async () => {
    const raw = '\u001b[2J\u001b[01;01Hhello \u001b[0;1mworld\u001b[0m\r\n\u001b(B\u001bcnext\n';
    for (const character of raw) write(character);
    expect(serial.text).toBe('hello world\nnext\n');
    await serial.close();
    expect(readFileSync(serial.logPath, 'latin1')).toBe(raw);
    serial = new SerialConsole(join(directory, 'other.log'));
  });

  it('gives whole lines, and finds patterns in unfinished ones', async () => {
    const lines: string[] = [];
    serial.onLine((line) => lines.push(line));
    const login = serial.waitFor(/(\w+) login:/);
    write('one\ntw');
    write('o\nlab logi');
    write('n: ');
    expect(lines).toEqual(['one', 'two']);
    expect((await login)[1]).toBe('lab');
  });

  it('looks only at what came since', async () => {
    write('hello 1\n');
    const since = serial.position;
    const next = serial.waitFor(/hello (\d)/, { since });
    write('hello 2\n');
    expect((await next)[1]).toBe('2');
    expect((await serial.waitFor(/hello (\d)/))[1]).toBe('1');
  });

  it('says what was there instead when it waited in vain', async () => {
    write('Kernel panic\n');
    await expect(serial.waitFor(/login/, { timeout: 20 })).rejects.toThrow(
      /no \/login\/ .*\n.*Kernel panic/s,
    );
  });

  it('keeps the end of a long story', async () => {
    write('first\n');
    for (let i = 0; i < 300; i++) write(`${'x'.repeat(1023)}\n`);
    const since = serial.position;
    write('last\n');
    expect(serial.text.length).toBeLessThanOrEqual(256 * 1024);
    expect(serial.text).not.toContain('first');
    expect((await serial.waitFor(/last/, { since })).index).toBe(0);
  });
});
