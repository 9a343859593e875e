import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';
import { NODE_UUID, TOKEN } from '../../support/agent/fake-conductor.js';
import { MAC } from '../../support/agent/file-machine.js';

const GIB = 2 ** 30;

async function prepare(): Promise<AgentUnderTest> {
  const test = await AgentUnderTest.prepare();
  test.machine.addDisk(`${test.dir}/disk`, 5 * GIB);
  return test;
}

describe('the deploy agent', () => {
  let test: AgentUnderTest;

  beforeEach(async () => {
    test = await prepare();
  });
  afterEach(() => test.stop());

  it('shows a certificate that openssl and curl accept for its address only', async () => {
    await test.start();
    const certificate = `${test.dir}/ca.pem`;
    const text = execFileSync('openssl', ['x509', '-in', certificate, '-noout', '-text'], {
      encoding: 'utf8',
    });
    expect(text).toMatch(/Public Key Algorithm: id-ecPublicKey[\s\S]*NIST CURVE: P-256/);
    expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
    expect(text).toMatch(/X509v3 Subject Alternative Name: critical\s+IP Address:127\.0\.0\.1/);
    const verdict = execFileSync('openssl', ['verify', '-CAfile', certificate, certificate], {
      encoding: 'utf8',
    });
    expect(verdict).toContain('OK');
    expect(await test.curl('/v1/status')).toMatchObject({ status: 200, body: { version: '11.0.0' } });
    const { port } = new URL(test.callback);
    const elsewhere = ['-sS', '--cacert', certificate, '--connect-to', `localhost:${port}:127.0.0.1:${port}`];
    const curl = promisify(execFile)('curl', [...elsewhere, `https://localhost:${port}/v1/status`]);
    await expect(curl).rejects.toThrow(/subject name/);
  });

  it('speaks plain HTTP to a conductor that knows no certificates of agents', async () => {
    test.conductor.apiVersion = '1.67';
    await test.start();
    expect(test.callback).toMatch(/^http:/);
    expect(test.conductor.heartbeats[0]!.version).toBe('1.67');
    expect(test.conductor.heartbeats[0]!.body.agent_verify_ca).toBeUndefined();
    expect((await test.get('/v1/commands')).status).toBe(200);
  });

  it('refuses commands without the token, and malformed ones', async () => {
    await test.start();
    const unauthorized = {
      status: 401,
      body: { faultcode: 'Client', faultstring: '401 Unauthorized: Token invalid.' },
    };
    expect(await test.curl('/v1/commands')).toEqual(unauthorized);
    expect(await test.curl('/v1/commands/?agent_token=wrong')).toEqual(unauthorized);
    expect(await test.curl('/v1/commands/', '-d', '{}')).toEqual(unauthorized);
    expect(await test.curl('/v1/commands/some-id')).toEqual(unauthorized);
    expect(await test.get('/v1/commands/some-id')).toEqual({
      status: 404,
      body: { faultcode: 'Client', faultstring: 'Not found: Command Result with id some-id not found.' },
    });
    const send = async (body: string) => test.curl(`/v1/commands/?agent_token=${TOKEN}`, '-d', body);
    expect(await send('{}')).toMatchObject({
      status: 400,
      body: { faultstring: '400 Bad Request: Missing or invalid name or params' },
    });
    expect((await send('{')).status).toBe(400);
    expect(await test.post('kitchen.make_coffee')).toEqual({
      status: 404,
      body: { faultcode: 'Client', faultstring: 'Not found: Extension with id kitchen not found.' },
    });
    expect(await test.post('standby.make_coffee')).toEqual({
      status: 400,
      body: { faultcode: 'Client', faultstring: 'Invalid command: Unknown command: make_coffee' },
    });
    expect((await test.curl('/v1/commands', '-X', 'DELETE')).status).toBe(405);
    expect((await test.curl('/v1/nothing')).status).toBe(404);
    expect(await test.get('/v1/commands')).toEqual({ status: 200, body: { commands: [] } });
  });

  it('lets conductors that know no better read without the token, until one sends it', async () => {
    test.conductor.apiVersion = '1.95';
    await test.start();
    expect(await test.curl('/v1/commands')).toEqual({ status: 200, body: { commands: [] } });
    expect((await test.curl('/v1/commands/?agent_token=wrong')).status).toBe(401);
    expect((await test.curl('/v1/commands/', '-d', '{"name":"standby.sync","params":{}}')).status).toBe(401);
    expect((await test.get('/v1/commands')).status).toBe(200);
    expect((await test.curl('/v1/commands')).status).toBe(401);
  });

  it('lists its steps with their version, and refuses another version', async () => {
    await test.start();
    const list = await test.run('clean.get_clean_steps', { node: test.conductor.node, ports: [] });
    expect(list.command_result).toMatchObject({
      clean_steps: {
        ferric_hardware_manager: [
          { step: 'erase_devices', priority: 10 },
          {
            step: 'erase_devices_metadata',
            priority: 99,
            abortable: true,
            reboot_requested: false,
            interface: 'deploy',
          },
          { step: 'erase_devices_express', priority: 0 },
          { step: 'delete_configuration', priority: 0, interface: 'raid' },
          { step: 'create_configuration', priority: 0, interface: 'raid' },
        ],
      },
      hardware_manager_version: { ferric_hardware_manager: '1.0' },
    });
    const mismatch = await test.run('clean.execute_clean_step', {
      step: { step: 'erase_devices_metadata' },
      node: test.conductor.node,
      ports: [],
      clean_version: { ferric_hardware_manager: '0.9' },
    });
    expect(mismatch).toMatchObject({
      command_status: 'CLEAN_VERSION_MISMATCH',
      command_error: { type: 'VersionMismatch', code: 409 },
      command_result: null,
    });
    const unknown = await test.cleanStep('polish_chrome');
    expect(unknown.command_error).toMatchObject({ type: 'HardwareManagerMethodNotFound' });
  });

  it('goes on with its token when it is started again, and gives up where another agent has it', async () => {
    await test.start();
    test.conductor.token = '******';
    await test.restart();
    expect(test.conductor.heartbeats.at(-1)!.body.agent_token).toBe(TOKEN);
    execFileSync('rm', ['-r', `${test.dir}/state`]);
    await expect(test.restart()).rejects.toThrow('given the token of this boot to another agent');
  });

  it('packs logs that tar reads, and shows the inventory', async () => {
    await test.start();
    const logs = await test.run('log.collect_system_logs');
    const packed = Buffer.from((logs.command_result as { system_logs: string }).system_logs, 'base64');
    const names = execFileSync('tar', ['-tzf', '-'], { input: packed, encoding: 'utf8' }).split('\n');
    expect(names).toEqual(
      expect.arrayContaining(['dmesg', 'lsblk', 'ip_addr', 'inventory.json', 'ferric-agent.log']),
    );
    const inventory = await test.run('poll.get_hardware_info');
    expect(inventory.command_result).toMatchObject({
      interfaces: [{ mac_address: MAC }],
      disks: [{ size: 5 * GIB }],
      boot: { current_boot_mode: 'bios' },
      memory: { total: expect.any(Number) as number },
    });
  });

  it('tries several URLs of the API', async () => {
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
    const port = (dead.address() as { port: number }).port;
    await new Promise((resolve) => dead.close(resolve));
    await test.start(`ipa-api-url=http://127.0.0.1:${port},${test.conductor.url}`);
    expect(test.conductor.heartbeats).toHaveLength(1);
    expect(test.conductor.lookups).toHaveLength(1);
    expect(NODE_UUID).toBe(test.conductor.node['uuid']);
  });
});

// These wait for times that agent and conductor keep: side by side, the longest first.
describe.concurrent('the deploy agent, with time', () => {
  it('sends a heartbeat as soon as a command has ended, and again until its result was read', async () => {
    await using test = await prepare();
    await test.start();
    const { body } = await test.post('clean.execute_clean_step', {
      step: { step: 'erase_devices_metadata' },
      node: test.conductor.node,
      ports: [],
    });
    const heartbeat = await test.conductor.nextHeartbeat(6_000);
    const { id } = body as { id: string };
    await test.conductor.nextHeartbeat(8_000); // nobody asked: once more after 5 s
    expect(test.conductor.heartbeats.at(-1)!.at - heartbeat.at).toBeGreaterThan(4_500);
    expect((await test.get(`/v1/commands/${id}`)).body).toMatchObject({ command_status: 'SUCCEEDED' });
    const count = test.conductor.heartbeats.length;
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(test.conductor.heartbeats.length).toBe(count + 1); // the one already planned, then silence
  });

  it('keeps a connection for longer than conductors leave it idle between two questions', async () => {
    await using test = await prepare();
    await test.start();
    const { hostname, port } = new URL(test.callback);
    const line = connect({ host: hostname, port: Number(port), ca: readFileSync(`${test.dir}/ca.pem`) });
    try {
      const ask = async (): Promise<string> => {
        line.write(`GET /v1/status HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
        const [answer] = (await once(line, 'data', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
        return answer.toString();
      };
      expect(await ask()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nKeep-Alive: timeout=900\r\n/);
      // Ironic's [agent]command_wait_interval is 6 s, Node's own end of an idle connection too.
      await new Promise((resolve) => setTimeout(resolve, 6_500));
      expect(await ask()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    } finally {
      line.destroy();
    }
  });

  it('looks itself up until it is known, then sends a heartbeat with its certificate', async () => {
    await using test = await prepare();
    test.conductor.lookupRefusals = [404, 404];
    await test.start();
    expect(test.conductor.lookups).toEqual(Array(3).fill(`/v1/lookup?addresses=${MAC}`));
    const [heartbeat] = test.conductor.heartbeats;
    expect(heartbeat!.version).toBe('1.68');
    expect(heartbeat!.body).toMatchObject({ agent_token: TOKEN, agent_version: '11.0.0' });
    expect(heartbeat!.body.callback_url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(heartbeat!.body.agent_verify_ca).toContain('BEGIN CERTIFICATE');
  });

  it('answers before it switches the machine off', async () => {
    await using test = await prepare();
    await test.start();
    expect(await test.run('standby.sync')).toMatchObject({
      command_status: 'SUCCEEDED',
      command_result: null,
    });
    expect(await test.run('standby.power_off')).toMatchObject({ command_status: 'SUCCEEDED' });
    expect(test.machine.events).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(test.machine.events).toEqual(['power off']);
  });

  it('locks itself down', async () => {
    await using test = await prepare();
    await test.start();
    await test.run('system.lockdown');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(test.machine.events).toEqual(['network cut']);
    await expect(test.curl('/v1/status')).rejects.toThrow(/connect/i);
  });
});
