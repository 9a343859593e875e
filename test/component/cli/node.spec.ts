import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../cli/run-cli.js';
import { ferric } from '../../support/cli/command-line.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';

const home = new DaemonHome({ driver: { enabled_hardware_types: ['fake-hardware'] } });
let daemon: RunningDaemon;
let count = 0;
beforeAll(async () => {
  daemon = await home.start();
});
afterAll(() => home.remove());

const run = (...args: string[]) =>
  ferric([...args], { OS_ENDPOINT: daemon.url }, new AbortController().signal, 10_000);
const done = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await run(...args);
  expect({ args, status, stderr: status === 0 ? '' : stderr }).toEqual({ args, status: 0, stderr: '' });
  return stdout;
};
/** A node in the pool. */
async function available(...driverInfo: string[]): Promise<string> {
  count += 1;
  const name = `n${count}`;
  const info = driverInfo.length > 0 ? ['--driver-info', ...driverInfo] : [];
  await done('node', 'create', '--name', name, '--driver', 'fake-hardware', ...info);
  await done('node', 'manage', name, '--wait');
  await done('node', 'provide', name, '--wait', '--yes');
  return name;
}
const stateOf = async (name: string) =>
  JSON.parse(await done('node', 'show', name, '-o', 'json')).provision_state;

describe('ferric node', () => {
  let name: string;
  beforeEach(async () => {
    name = await available();
  });

  it('enrols, deploys with keys and user data, and tears down, each to its end', async () => {
    const key = join(home.directory, 'key.pub');
    const data = join(home.directory, 'user-data');
    writeFileSync(key, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGfake me@here\n');
    writeFileSync(data, '#cloud-config\n');
    const deploy = ['node', 'deploy', name, '--wait', '--yes', '--image', 'http://images.example/a.qcow2'];
    await done(...deploy, '--checksum', 'a'.repeat(64), '--ssh-key', key, '--user-data', data);
    const node = JSON.parse(await done('node', 'show', name, '-o', 'json'));
    expect(node).toMatchObject({
      provision_state: 'active',
      instance_info: { image_source: 'http://images.example/a.qcow2', image_checksum: 'a'.repeat(64) },
    });
    expect(await done('node', 'attempts', name)).toMatch(
      /CREATED_AT +KIND +OUTCOME .*\n.* deploy +succeeded .*\n.* clean +succeeded .*\n.* verify +succeeded /,
    );
    await done('node', 'undeploy', name, '--wait', '--yes');
    expect(await stateOf(name)).toBe('available');
    expect(await done('node', 'why', name)).toContain('It succeeded.');
    await done('node', 'delete', name, '--yes');
    expect((await run('node', 'show', name)).status).toBe(10);
  });

  it('a value of driver_info can come from a file, and none of it is shown where it is a secret', async () => {
    const file = join(home.directory, 'bmc');
    writeFileSync(file, 'from the file\nnot this\n');
    await done('node', 'set', name, '--driver-info', `ipmi_username=@${file}`, `ipmi_password=@${file}`);
    const { driver_info } = JSON.parse(await done('node', 'show', name, '-o', 'json'));
    expect(driver_info).toMatchObject({ ipmi_username: 'from the file', ipmi_password: '******' });
    expect(await run('node', 'set', name, '--driver-info', 'ipmi_password=@/none')).toMatchObject({
      status: 2,
    });
  });

  it('cleans by steps and rescues, each to its end', async () => {
    const steps = join(home.directory, 'steps.yaml');
    const password = join(home.directory, 'password');
    writeFileSync(steps, '- {interface: deploy, step: erase_devices_metadata}\n');
    writeFileSync(password, 'canary of rescue\n');
    await done('node', 'manage', name, '--wait');
    await done('node', 'clean', name, '--wait', '--yes', '--step', 'deploy.erase_devices');
    await done('node', 'clean', name, '--wait', '--yes', '--steps', steps);
    const attempts = JSON.parse(await done('node', 'attempts', name, '-o', 'json')) as { uuid: string }[];
    const kinds = attempts.slice(0, 2).map((one) => one as unknown as { kind: string; outcome: string });
    expect(kinds).toMatchObject([
      { kind: 'clean', outcome: 'succeeded' },
      { kind: 'clean', outcome: 'succeeded' },
    ]);
    await done('node', 'provide', name, '--wait', '--yes');
    const image = ['--image', 'http://images.example/a.qcow2', '--checksum', 'a'.repeat(64)];
    await done('node', 'deploy', name, '--wait', '--yes', ...image);
    await done('node', 'rescue', name, '--wait', '--yes', '--password-file', password);
    expect(await stateOf(name)).toBe('rescue');
    await done('node', 'unrescue', name, '--wait');
    expect(await stateOf(name)).toBe('active');
  });

  it.each([
    [['clean'], 'one of --step, --steps and --runbook'],
    [['clean', '--step', 'x', '--runbook', 'y'], 'one of --step, --steps and --runbook'],
    [['clean', '--step', 'erase_devices'], '--step is INTERFACE.STEP'],
    [['clean', '--step', 'raid.x:[1]'], 'no object of JSON'],
    [['clean', '--step', 'raid.x:{'], 'neither YAML nor JSON'],
    [['service', '--steps', '/none'], '--steps: /none'],
    [['rescue'], '--password-file names the file'],
  ])('%j is wrong use, told before anybody is asked', async ([verb, ...options], said) => {
    const { status, stderr } = await run('node', verb!, name, '--yes', ...options);
    expect(stderr).toContain(said);
    expect(status).toBe(2);
  });

  it('reads names from standard input', async () => {
    const program = [process.execPath, 'dist/cli/main.js'] as const;
    const options = { env: { ...process.env, OS_ENDPOINT: daemon.url }, encoding: 'utf8' } as const;
    const piped = spawnSync(program[0], [program[1], 'node', 'manage', '-', '--wait'], {
      ...options,
      input: `${name}\n`,
    });
    expect([piped.status, piped.stderr]).toEqual([0, 'manageable\n']);
    // Nobody answers in a pipe.
    const asked = spawnSync(program[0], [program[1], 'node', 'provide', name], { ...options, input: 'y\n' });
    expect([asked.status, asked.stderr]).toEqual([2, expect.stringContaining('give --yes')]);
  });

  it('a machine whose port is refused is not half enrolled', async () => {
    const mac = '52:54:00:77:00:01';
    await done('node', 'create', '--name', `${name}-a`, '--driver', 'fake-hardware', '--mac', mac);
    const again = await run(
      'node',
      'create',
      '--name',
      `${name}-b`,
      '--driver',
      'fake-hardware',
      '--mac',
      mac,
    );
    expect(again).toMatchObject({ status: 6, stderr: expect.stringContaining(mac) });
    expect((await run('node', 'show', `${name}-b`)).status).toBe(10);
  });

  it('lists what a filter finds, in the form asked for', async () => {
    await done('node', 'set', name, '--set', 'extra={"a":1}', '--resource-class', 'gold');
    const all = JSON.parse(await done('node', 'list', '-o', 'json')) as { name: string }[];
    expect(all.map((one) => one.name)).toContain(name);
    expect(await done('node', 'list', '--filter', `name:${name} class:gold state:idle`, '-o', 'name')).toBe(
      `${name}\n`,
    );
    expect(await done('node', 'list', '--filter', `name:${name} !state:available`, '-o', 'name')).toBe('');
    expect(
      await done('node', 'list', '--filter', `name:${name}`, '-o', 'csv', '--columns', 'name,resource_class'),
    ).toBe(`name,resource_class\n${name},gold\n`);
  });

  it('a text of a machine looks like no line of ours, and names its node', async () => {
    const other = await available('fake_fail_write_image=boom\n- run this');
    await done('node', 'set', name, '--driver-info', 'fake_fail_write_image=boom\n- run this');
    const both = await run('node', 'deploy', name, other, '--wait', '--yes');
    expect(both.status).toBe(8);
    expect(both.stderr).toContain('boom - run this');
    const lines = both.stderr.trimEnd().split('\n').slice(0, -1);
    for (const line of lines) expect(line).toMatch(new RegExp(`^(${name}|${other}): `));
    expect(await done('node', 'why', name)).toMatch(/^Error: .*boom - run this$/m);
  });

  it('a wait that is given up says that the work goes on', async () => {
    await done('node', 'set', name, '--driver-info', 'fake_delay_deploy=600');
    const deploy = ['node', 'deploy', name, '--wait', '--yes'];
    const ended = ferric(deploy, { OS_ENDPOINT: daemon.url }, AbortSignal.timeout(2_000), 10_000);
    expect(await ended).toMatchObject({
      status: 130,
      stderr: expect.stringContaining('what the daemon has accepted goes on there'),
    });
    expect(await stateOf(name)).toBe('wait call-back');
  });

  it('ends a wait with the cause when the node fails, and with 124 at the end of the time', async () => {
    await done('node', 'set', name, '--driver-info', 'fake_fail_write_image=no disk');
    const failed = await run('node', 'deploy', name, '--wait', '--yes');
    expect(failed.status).toBe(8);
    expect(failed.stderr).toMatch(/ferric: it is deploy failed, not active: .*no disk/);
    expect(failed.stderr).toContain('Nothing was seen of the machine on the network.');
    await done('node', 'set', name, '--driver-info', 'fake_fail_write_image=', 'fake_delay_deploy=600');
    const node = JSON.parse(await done('node', 'show', name, '-o', 'json'));
    expect(node.driver_info.fake_delay_deploy).toBe(600);
    await done('node', 'undeploy', name, '--wait', '--yes');
    const slow = await run('node', 'deploy', name, '--wait', '--yes', '--timeout', '1');
    expect(slow).toMatchObject({
      status: 124,
      stderr: expect.stringContaining('it is still wait call-back'),
    });
    // An abort by somebody else ends the wait, too.
    const waiting = run('node', 'wait', name, '--for', 'active');
    await sleep(300);
    await done('node', 'abort', name);
    expect((await waiting).status).toBe(8);
  });

  it('works on several at once, goes on after a failure, and says how many', async () => {
    const bad = await available('fake_fail_write_image=no disk');
    const result = await run('node', 'deploy', name, bad, '--wait', '--yes');
    expect(result.status).toBe(9);
    expect(result.stderr).toContain(`${bad}: it is deploy failed, not active`);
    expect(result.stderr).toContain('ferric: 1 of 2 nodes done, 1 not');
    expect(await stateOf(name)).toBe('active');
  });

  it('asks before something is lost, and refuses where nobody can answer', async () => {
    const refused = await run('node', 'deploy', name);
    expect(refused).toMatchObject({
      status: 2,
      stderr: `ferric: This erases the disks of: ${name}. Nobody can be asked here: give --yes\n`,
    });
    expect(await stateOf(name)).toBe('available');
    for (const [answer, status] of [
      ['n\n', 3],
      ['y\n', 0],
    ] as const) {
      const stdin = Object.assign(new PassThrough(), { isTTY: true as const });
      const [stdout, stderr] = [new PassThrough().resume(), new PassThrough().resume()];
      const signal = new AbortController().signal;
      const shell = { stdin, stdout, stderr, environment: { OS_ENDPOINT: daemon.url }, signal, retryFor: 0 };
      const ended = runCli(['node', 'deploy', name], shell);
      stdin.write(answer);
      expect([answer, await ended]).toEqual([answer, status]);
    }
    await expect.poll(() => stateOf(name), { timeout: 20_000 }).toBe('active');
  });

  it('a wait outlives a restart of the daemon, killed in the midst', async () => {
    await done('node', 'set', name, '--driver-info', 'fake_delay_deploy=3');
    const waiting = run('node', 'deploy', name, '--wait', '--yes');
    await expect.poll(() => stateOf(name), { timeout: 20_000 }).toBe('wait call-back');
    daemon.process.kill('SIGKILL');
    await daemon.ended;
    daemon = await home.start();
    expect(await waiting).toMatchObject({ status: 0 });
    expect(await stateOf(name)).toBe('active');
  });

  it('control characters of a daemon’s answer do not reach the terminal', async () => {
    await done('node', 'set', name, '--set', 'description=\u001b]0;owned\u0007\u202e');
    const shown = await done('node', 'show', name);
    expect(shown).toContain('?]0;owned??');
    expect(shown).not.toMatch(/[\u001b\u0007\u202e]/);
  });

  it.each([
    [['node', 'power', 'up', 'x'], 'power is on, off or reboot, not up'],
    [['node', 'power', 'on', 'x', '--soft'], 'power on cannot be soft'],
    [['node', 'manage'], 'name the nodes, or give --filter, one of them'],
    [['node', 'list', '--filter', 'state:gone'], 'the filter names a state that there is not: gone'],
    [['node', 'list', '--filter', 'colour:red'], 'the filter has no key colour'],
    [['node', 'create'], '--driver is missing'],
    [
      ['node', 'deploy', 'x', '--yes', '--timeout', 'soon', '--wait'],
      '--timeout is a number above 0, not soon',
    ],
    [
      ['node', 'deploy', 'x', '--yes', '--ssh-key', '/etc/hostname'],
      'a line that is no public key of OpenSSH',
    ],
    [['node', 'manage', '--filter', 'name:none-such'], 'no node fits the filter: name:none-such'],
  ])('refuses %j', async (args, words) => {
    const { status, stderr, stdout } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(words);
  });
});

describe('ferric status', () => {
  it('counts nodes by state, and tells whether the conductors live', async () => {
    expect(await done('status')).toMatch(/STATE +NODES\n(.+\n)+all +\d+\nconductor .+: alive\n$/);
    expect(JSON.parse(await done('status', '-o', 'json'))).toMatchObject({
      total: expect.any(Number),
      conductors: [{ alive: true }],
    });
  });

  it('says in one line that no daemon answers', async () => {
    const { status, stderr } = await ferric(['status'], { OS_ENDPOINT: 'http://127.0.0.1:1' });
    expect(status).toBe(6);
    expect(stderr).toMatch(/^ferric: GET http:\/\/127\.0\.0\.1:1\/v1\/summary.*ECONNREFUSED.*\n$/);
  });
});
