import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, isAlive } from '../../../image-build/process/process-identity.js';
import { LabProcess } from '../../../lab/process/lab-process.js';
import { LabIsUp, Ledger, sweep } from '../../../lab/process/ledger.js';

describe('what a lab starts', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lab-process-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const sleeper = (ledger: Ledger) =>
    LabProcess.start({ file: 'sh', args: ['-c', 'sleep 600 & wait'], stdio: 'ignore', ledger });

  it('ends with its whole process group', async () => {
    const ledger = Ledger.open(directory);
    const started = await sleeper(ledger);
    await sleep(100);
    const children = readFileSync(`/proc/${started.pid}/task/${started.pid}/children`, 'utf8').trim();
    const child = identify(Number(children))!;
    expect(isAlive(child)).toBe(true);
    await started.end();
    await sleep(50);
    expect([isAlive(child), identify(started.pid)]).toEqual([false, null]);
    ledger.clearNow();
  });

  it('dies with a lab process that is killed outright', async () => {
    // Plain Node starts what LabProcess starts; the way it is bound to its parent is what is looked at.
    const program = `const { spawn } = require('node:child_process');
      const c = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sleep', '600'], { detached: true, stdio: 'ignore' });
      c.on('spawn', () => console.log(c.pid)); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(String((await once(parent.stdout, 'data'))[0]));
    await sleep(150);
    const child = identify(pid)!;
    expect(isAlive(child)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await sleep(150);
    expect(isAlive(child)).toBe(false);
  });

  it('is swept when its owner is gone, and only what it was', async () => {
    const mine = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const other = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    await Promise.all([once(mine, 'spawn'), once(other, 'spawn')]);
    const [mineIs, otherIs] = [identify(mine.pid!)!, identify(other.pid!)!];
    const entries = {
      owner: { pid: 2 ** 22 - 1, startTime: '1' },
      // The second pid was given to another process since.
      processes: [mineIs, { pid: other.pid!, startTime: '12345' }],
      namespaces: ['lab-not-there'],
      links: ['lab-no-link'],
    };
    writeFileSync(join(directory, 'ledger.json'), JSON.stringify(entries));
    expect(sweep(directory)).toBe(true);
    await sleep(50);
    expect([isAlive(mineIs), isAlive(otherIs)]).toEqual([false, true]);
    expect(existsSync(join(directory, 'ledger.json'))).toBe(false);
    expect(sweep(directory)).toBe(false);
    other.kill('SIGKILL');
  });

  it('belongs to one lab of a name at a time', () => {
    const ledger = Ledger.open(directory);
    expect(() => Ledger.open(directory)).toThrow(LabIsUp);
    ledger.clearNow();
    Ledger.open(directory).clearNow();
  });
});
