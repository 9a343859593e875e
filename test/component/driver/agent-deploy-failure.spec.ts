import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Extension } from '../../../agent/src/command-board.js';
import { AgentError } from '../../../agent/src/error.js';
import { AGENT_TOKEN } from '../../support/agent-machine.js';
import { DeployWorld } from '../../support/deploy-world.js';
import { NODE_UUID } from '../../support/driver-context.js';

let world: DeployWorld;
beforeEach(() => {
  world = new DeployWorld();
});
afterEach(() => world.remove());

describe('a conductor that dies', () => {
  it.each([
    'before the checkpoint',
    'before the command',
    'after the command',
    'while it runs',
    'after its end',
  ])('%s writes the disk once', async (when) => {
    await using at = await world.ready();
    const { machine, write, bench } = at;
    if (when === 'before the command') {
      // The checkpoint of what the agent had is committed, the command was never sent.
      bench.saved = { phase: 'issuing', known: machine.board!.list().map(({ id }) => id) };
    } else if (when !== 'before the checkpoint') {
      const outcome = await at.enter('write_image', 'start');
      // Its outcome was never committed: only what checkpoint() wrote is there.
      if (when === 'after the command') {
        bench.saved = {
          phase: 'issuing',
          known: machine
            .board!.list()
            .slice(0, -1)
            .map(({ id }) => id),
        };
      } else expect(outcome).toMatchObject({ checkpoint: { phase: 'running' } });
      if (when === 'after its end') {
        write.end();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    if (when === 'before the checkpoint') bench.saved = null;
    const again = await at.enter('write_image', 'restart');
    expect(again.is).toBe(when === 'after its end' ? 'done' : 'wait');
    if (again.is === 'wait') {
      write.end();
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await at.enter('write_image', 'poll')).toEqual({ is: 'done' });
    }
    expect(write.runs).toBe(1);
    expect(machine.count('deploy.execute_deploy_step')).toBe(1);
  });

  it('finds a command that was heard although its answer was lost', async () => {
    await using at = await world.ready();
    const { machine, write } = at;
    // The answer is cut off: the agent's server dies right behind the command, and comes back with its memory.
    const board = machine.board!;
    const execute = board.execute.bind(board);
    board.execute = async (name, params) => {
      await execute(name, params);
      board.execute = execute;
      return new Promise(() => {}); // no answer ever
    };
    const outcome = await at.enter('write_image', 'start');
    expect(outcome).toMatchObject({ is: 'wait', checkpoint: { phase: 'issuing' } });
    expect(outcome).not.toHaveProperty('timeout'); // silence does not renew the step's clock
    expect(await at.enter('write_image', 'poll')).toMatchObject({
      is: 'wait',
      checkpoint: { phase: 'running' },
    });
    expect(write.runs).toBe(1);
  });

  it.each([
    ['the machine was started', true, 0],
    ['the machine was not started yet', false, 1],
  ])('right behind the checkpoint of the boot: %s', async (_, started, starts) => {
    await using at = world.bed();
    await at.drive('prepare_deploy');
    at.machine.heartbeats = false;
    await at.enter('deploy', 'start');
    if (!started) await at.machine.stop();
    at.machine.acts.length = 0;
    expect(await at.enter('deploy', 'restart')).toMatchObject({ is: 'wait', for: 'heartbeat' });
    expect(at.machine.acts.filter((act) => act === 'power on')).toHaveLength(starts);
    at.machine.report();
    expect(await at.enter('deploy', 'heartbeat')).toEqual({ is: 'done' });
  });

  it('before that checkpoint begins anew, and does not take the former ramdisk for the new one', async () => {
    await using at = world.bed();
    await at.drive('prepare_deploy');
    at.machine.report(); // a stale agent, from a cleaning
    expect(await at.enter('deploy', 'restart')).toMatchObject({ is: 'wait', for: 'heartbeat' });
    expect(at.machine.acts).toContain('power on');
  });
});

describe('an agent that fails', () => {
  it('fails the step in its own words', async () => {
    await using at = await world.ready();
    await at.enter('write_image', 'start');
    at.write.end(
      new AgentError('ImageChecksumError', 500, 'Error verifying image checksum', 'does not match\nreally'),
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(at.enter('write_image', 'poll')).rejects.toMatchObject({
      code: 'agent-failed',
      message: 'Agent command execute_deploy_step failed: does not match really',
    });
  });

  it('that is gone is waited for until the deadline, no longer', async () => {
    await using at = await world.ready();
    await at.enter('write_image', 'start');
    await at.machine.stop();
    const outcome = await at.enter('write_image', 'poll');
    expect(outcome).toMatchObject({ is: 'wait', for: 'poll' });
    expect(outcome).not.toHaveProperty('timeout');
  });

  it('that was started anew in the middle of it fails the step', async () => {
    await using at = await world.ready();
    await at.enter('write_image', 'start');
    at.bench.saved = { phase: 'running', id: 'of-another-life', polls: 1 };
    await expect(at.enter('write_image', 'poll')).rejects.toThrow('was started anew while it executed');
    expect(at.write.runs).toBe(1);
  });

  it('that does not power off is switched off', async () => {
    await using at = await world.ready();
    at.machine.leavesOnRequest = false;
    at.machine.acts.length = 0;
    expect(await at.drive('tear_down_agent')).toEqual({ is: 'done' });
    expect(at.machine.acts).toEqual(['power off']);
    expect(at.bench.committed.driver_internal_info).not.toHaveProperty('agent_secret_token');
  });

  it('leaves its logs, is switched off and forgotten', async () => {
    const archive = Buffer.from('tar.gz of a hostile machine');
    const log: Extension = {
      collect_system_logs: { kind: 'sync', run: async () => ({ system_logs: archive.toString('base64') }) },
    };
    await using at = await world.ready({}, { log });
    await at.deploy.cleanUpFailure(at.bench.context(at.machine.interfaces), {
      uuid: at.bench.operation,
      kind: 'deploy',
      reason: 'test',
    });
    const [name] = readdirSync(join(world.directory, 'logs'));
    expect(name).toMatch(new RegExp(`^${NODE_UUID}_deploy_\\d{8}T\\d{6}Z\\.tar\\.gz$`));
    expect(readFileSync(join(world.directory, 'logs', name!))).toEqual(archive);
    expect(statSync(join(world.directory, 'logs', name!)).mode & 0o777).toBe(0o600);
    expect(at.machine.on).toBe(false);
    expect(at.machine.published).toBeNull();
    expect(at.bench.committed.driver_internal_info).not.toHaveProperty('agent_secret_token');
    expect(at.bench.lines.join('')).not.toContain(AGENT_TOKEN);
  });

  it.each([
    ['too large', Buffer.alloc(3_000).toString('base64')],
    ['endless', 'x'.repeat(100_000)],
    ['none', 7],
  ])('whose logs are %s leaves none, and the rest is cleaned up', async (_, system_logs) => {
    const log: Extension = { collect_system_logs: { kind: 'sync', run: async () => ({ system_logs }) } };
    await using at = await world.ready({}, { log });
    await at.deploy.cleanUpFailure(at.bench.context(at.machine.interfaces), {
      uuid: at.bench.operation,
      kind: 'deploy',
      reason: 'test',
    });
    expect(existsSync(join(world.directory, 'logs'))).toBe(false);
    expect(at.machine.on).toBe(false);
    expect(at.bench.lines.join('')).toContain('logs could not be fetched');
  });
});
