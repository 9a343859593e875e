import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, type ProcessIdentity } from '../../../image-build/process/process-identity.js';
import { createLab, type Lab } from '../../../lab/lab.js';

const run = promisify(execFile);

describe("a lab's network", () => {
  const root = mkdtempSync(join(tmpdir(), 'lab-network-'));
  let lab: Lab;
  beforeAll(async () => {
    lab = await createLab({ name: 'lab-network', root });
  });
  afterAll(async () => {
    await lab.close();
    expect(existsSync('/run/netns/lab-network-net')).toBe(false);
    rmSync(root, { recursive: true });
  });

  it('gives this process UDP sockets of the namespace', async () => {
    await lab.network.addManagementAddress('10.78.0.200');
    const socket = await lab.network.door.udp('10.78.0.200', 7000);
    socket.on('message', (message, from) => socket.send(`heard ${message}`, from.port, from.address));
    const answer = await lab.network.inside('sh', ['-c', 'echo hello | socat -t 2 - UDP:10.78.0.200:7000']);
    expect(answer.trim()).toBe('heard hello');
    await expect(lab.network.door.udp('10.78.0.200', 7000)).rejects.toThrow('EADDRINUSE');
    socket.close();
  });

  it("leads a port of the host's loopback to a server inside, and a cut through as a cut", async () => {
    const listening = await lab.network.door.tcp('10.77.0.1', 8080);
    const server = createServer((request, response) => {
      if (request.url === '/cut') request.socket.resetAndDestroy();
      else request.pipe(response);
    });
    server.listen(listening);
    const forward = await lab.forward({ port: 0, to: { host: '10.77.0.1', port: 8080 } });
    const big = Buffer.alloc(8 * 1024 * 1024, 'ferric');
    const echoed = await fetch(`http://127.0.0.1:${forward.port}/`, { method: 'POST', body: big });
    expect(Buffer.from(await echoed.arrayBuffer()).equals(big)).toBe(true);
    await expect(fetch(`http://127.0.0.1:${forward.port}/cut`)).rejects.toThrow();
    server.close();
    await sleep(20);
    const refused = connect(forward.port, '127.0.0.1');
    await once(refused, 'close'); // nobody there any more
    await forward.close();
  });

  it('tells everyone that there is no IPv6 router', async () => {
    const { namespace } = await lab.network.addSegment('listener');
    // The kernel of the other end is the judge: it counts what it took for a valid advertisement.
    const count = async () =>
      Number(
        /Icmp6InRouterAdvertisements\s+(\d+)/.exec(
          (await run('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/snmp6'])).stdout,
        )![1],
      );
    const before = await count();
    await sleep(2_500);
    expect(await count()).toBeGreaterThan(before);
    const errors = (await run('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/snmp6'])).stdout;
    expect(errors).toMatch(/Icmp6InErrors\s+0/);
  });

  it('loses packets when asked', async () => {
    const tap = await lab.network.addTap();
    await lab.network.setLoss(tap, 0.5);
    const shown = await lab.network.inside('tc', ['filter', 'show', 'dev', tap, 'ingress']);
    expect(shown).toContain('bpf');
    await lab.network.setLoss(tap, 0);
    expect(await lab.network.inside('tc', ['qdisc', 'show', 'dev', tap])).not.toContain('clsact');
    const { namespace } = await lab.network.addSegment('lossy');
    await run('ip', ['-n', namespace, 'addr', 'add', '10.77.0.9/24', 'dev', 'eth0']);
    const pings = async () => {
      // Nobody listens there, so socat may hear of the ICMP error and say so by its exit status: not what counts here.
      const program = 'for i in $(seq 100); do echo x | socat -t 0 - UDP:10.77.0.9:9 || true; done';
      await lab.network.inside('sh', ['-c', program]);
      const { stdout } = await run('ip', ['-n', namespace, '-s', '-j', 'link', 'show', 'eth0']);
      return (JSON.parse(stdout) as { stats64: { rx: { packets: number } } }[])[0]!.stats64.rx.packets;
    };
    const clean = -(await pings()) + (await pings());
    await lab.network.setLoss('to-lossy', 0.5);
    const before = await pings();
    const lossy = (await pings()) - before;
    expect(clean).toBeGreaterThanOrEqual(100);
    expect(lossy).toBeGreaterThan(20);
    expect(lossy).toBeLessThan(85);
  });

  /** A lab with one machine switched on, in a process of its own. */
  const elsewhere = async (name: string) => {
    const source = join(import.meta.dirname, '../../../lab/lab.ts');
    const machine = { name: 'm', firmware: 'bios', disks: [], nics: [{ model: 'virtio' }] };
    const program = `const { createLab } = await import(${JSON.stringify(source)});
      const lab = await createLab(${JSON.stringify({ name, root, machines: [machine] })});
      await lab.machine('m').machine.on();
      console.log('up');`;
    // Plain Node runs the sources once it is told that what is imported as .js is a .ts here.
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) =>
        next(context.parentURL?.endsWith('.ts') && name.startsWith('.') ? name.replace(/\\.js$/, '.ts') : name, context) });`;
    const loader = `data:text/javascript,${encodeURIComponent(hook)}`;
    const flags = [
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      '--import',
      loader,
    ];
    const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(String((await once(child.stdout, 'data'))[0])).toBe('up\n');
    const ledger = JSON.parse(readFileSync(join(root, name, 'ledger.json'), 'utf8')) as {
      processes: ProcessIdentity[];
    };
    expect(ledger.processes.filter(isAlive).length, 'helper, router advertiser, QEMU').toBe(3);
    return { child, processes: ledger.processes };
  };

  it('and machines end with a process that is killed, and the next lab of the name clears up', async () => {
    const { child, processes } = await elsewhere('lab-killed');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await sleep(200);
    expect(processes.filter(isAlive)).toEqual([]);
    expect(existsSync('/run/netns/lab-killed-net')).toBe(true);
    const next = await createLab({ name: 'lab-killed', root });
    await next.close();
    expect(existsSync('/run/netns/lab-killed-net')).toBe(false);
    expect(existsSync(join(root, 'lab-killed/ledger.json'))).toBe(false);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('and everything in it ends on %s', async (signal) => {
    const { child, processes } = await elsewhere('lab-signal');
    child.kill(signal);
    expect(await once(child, 'exit'), 'ends as if nobody had caught it').toEqual([null, signal]);
    expect(processes.filter(isAlive)).toEqual([]);
    expect(existsSync('/run/netns/lab-signal-net')).toBe(false);
    expect(existsSync(join(root, 'lab-signal/ledger.json'))).toBe(false);
  });

  it("can have a machine's BMC on the host's loopback instead", async () => {
    const machine = { name: 'm', firmware: 'bios', disks: [], nics: [], bmc: 'loopback' } as const;
    await using outside = await createLab({ name: 'lab-outside', root, machines: [machine] });
    const { address, users } = outside.machine('m');
    expect(address.host).toBe('127.0.0.1');
    const args = [
      '-I',
      'lanplus',
      '-H',
      address.host,
      '-p',
      String(address.port),
      '-U',
      users[0]!.name,
      '-E',
    ];
    const env = { ...process.env, IPMI_PASSWORD: users[0]!.password };
    const { stdout } = await run('ipmitool', [...args, 'mc', 'guid'], { env });
    // ipmitool says it in an order of its own; the digits are those of the machine's UUID.
    const digits = /GUID\s*:\s*(\S+)/.exec(stdout)![1]!.replaceAll('-', '');
    const sorted = (text: string) => text.match(/../g)!.sort().join('');
    expect(sorted(digits)).toBe(sorted(outside.machine('m').machine.uuid.replaceAll('-', '')));
  });

  it('can have a link to the host', async () => {
    const host = { link: 'labnet-host', address: '10.79.77.1/30', inside: '10.79.77.2/30' };
    await using joined = await createLab({ name: 'lab-joined', root, host });
    expect(execFileSync('ip', ['addr', 'show', 'labnet-host'], { encoding: 'utf8' })).toContain(
      '10.79.77.1/30',
    );
    const socket = await joined.network.door.udp('10.79.77.2', 7000);
    socket.on('message', (message, from) => socket.send(message, from.port, from.address));
    const { stdout } = await run('sh', ['-c', 'echo across | socat -t 2 - UDP:10.79.77.2:7000']);
    expect(stdout.trim()).toBe('across');
    socket.close();
    await joined.close();
    expect(existsSync('/sys/class/net/labnet-host')).toBe(false);
  });
});
