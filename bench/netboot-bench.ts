// TFTP and HTTP beside tftpd-hpa, dnsmasq and nginx, one client at a time on loopback: seconds and the server's CPU
// seconds, lower is better; the best of the rounds. Installs nothing: a missing server or client is reported.
// After `npm run build`, as root (tftpd-hpa, dnsmasq): node dist/bench/netboot-bench.js [MiB TFTP] [MiB HTTP] [rounds]
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { netbootSection } from '../src/config/section/netboot.js';
import { HttpBootServer } from '../src/netboot/http/server.js';
import { configuredFiles, Manifest } from '../src/netboot/published/manifest.js';
import { TftpServer } from '../src/netboot/tftp/server.js';
import { createLogger } from '../src/platform/logger.js';
import { freePort } from '../test/support/free-port.js';
import { interruptible } from './interruptible.js';

/** dnsmasq serves TFTP on port 69 only, so it gets its own loopback address. */
const DNSMASQ_ADDRESS = '127.0.0.69';
const TICKS = 100; // sysconf(_SC_CLK_TCK) on Linux
const directory =
  process.argv[2] === 'serve' ? process.argv[3]! : mkdtempSync(join(tmpdir(), 'ferric-bench-'));

/** Runs our servers in a process of their own, which prints their ports. */
async function serve(): Promise<void> {
  const section = netbootSection.parse({
    tftp: { listen: '127.0.0.1', port: 0 },
    http: { listen: '127.0.0.1', port: 0 },
  });
  const files = { 'tftp.bin': join(directory, 'tftp.bin'), 'http.bin': join(directory, 'http.bin') };
  const manifest = new Manifest([configuredFiles(files)], {
    admits: async () => true,
    speaksFor: async () => true,
  });
  const tftp = new TftpServer(section.tftp, manifest, createLogger('silent'));
  const http = new HttpBootServer(section, manifest, createLogger('silent'));
  await tftp.start();
  await http.start();
  console.log(JSON.stringify({ tftp: tftp.port, http: http.port }));
}

interface Target {
  name: string;
  address: string;
  port: number;
  process: ChildProcess;
}
interface Figure {
  seconds: number;
  cpu: number;
}

async function bench(tftpMiB: number, httpMiB: number, rounds: number, signal: AbortSignal): Promise<void> {
  chmodSync(directory, 0o755);
  const block = randomBytes(2 ** 20);
  writeFileSync(join(directory, 'tftp.bin'), Buffer.concat(Array.from({ length: tftpMiB }, () => block)));
  for (let i = 0; i < httpMiB; i++) writeFileSync(join(directory, 'http.bin'), block, { flag: 'a' });
  const targets: Target[] = [];
  try {
    const own = spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve', directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ports = JSON.parse(String((await once(own.stdout, 'data'))[0])) as { tftp: number; http: number };
    const ferric = { name: 'ferric', address: '127.0.0.1', process: own };
    targets.push({ ...ferric, port: ports.tftp });
    const tftp = [{ ...ferric, port: ports.tftp }, ...(await references(['in.tftpd', 'dnsmasq'], targets))];
    const http = [{ ...ferric, port: ports.http }, ...(await references(['nginx'], targets))];
    console.log(`TFTP, ${tftpMiB} MiB, best of ${rounds}`);
    for (const [client, run] of TFTP_CLIENTS) await row(client, run, tftp, tftpMiB, rounds, signal);
    console.log(`HTTP, ${httpMiB} MiB, best of ${rounds}`);
    for (const [client, run] of HTTP_CLIENTS) await row(client, run, http, httpMiB, rounds, signal);
  } finally {
    await Promise.all(targets.map((target) => end(target.process)));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resolves when the server has ended: until then it may write into the folder that will be removed. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

type Client = (target: Target) => [program: string, args: string[], copies: number];

const curlTftp =
  (...options: string[]): Client =>
  ({ address, port }) => [
    'curl',
    ['-sS', ...options, '-o', '/dev/null', `tftp://${address}:${port}/tftp.bin`],
    1,
  ];
const atftp =
  (...options: string[]): Client =>
  ({ address, port }) => [
    'atftp',
    [
      ...options.flatMap((option) => ['--option', option]),
      '-g',
      '-r',
      'tftp.bin',
      '-l',
      '/dev/null',
      address,
      String(port),
    ],
    1,
  ];
const curlHttp =
  (copies: number): Client =>
  ({ address, port }) => ['curl', ['-sS', '-o', '/dev/null', `http://${address}:${port}/http.bin`], copies];

const TFTP_CLIENTS: [string, Client][] = [
  ['curl, blksize 512', curlTftp()],
  ['curl, blksize 1468', curlTftp('--tftp-blksize', '1468')],
  ['atftp, blksize 1468', atftp('blksize 1468')],
  ['atftp, blksize 1468, windowsize 16', atftp('blksize 1468', 'windowsize 16')],
  ['atftp, blksize 1468, windowsize 64', atftp('blksize 1468', 'windowsize 64')],
];
const HTTP_CLIENTS: [string, Client][] = [
  ['curl', curlHttp(1)],
  ['4 × curl', curlHttp(4)],
];

async function row(
  name: string,
  client: Client,
  targets: Target[],
  mebibytes: number,
  rounds: number,
  signal: AbortSignal,
): Promise<void> {
  const best = new Map<string, Figure | string>();
  // All servers run in each round: other load on the machine affects them alike.
  for (let round = 0; round < rounds; round++) {
    for (const target of targets) {
      const [program, args, copies] = client(target);
      const figure = await measure(target, program, args, copies, signal);
      signal.throwIfAborted();
      const known = best.get(target.name);
      if (
        known === undefined ||
        typeof known === 'string' ||
        (typeof figure !== 'string' && figure.seconds < known.seconds)
      ) {
        best.set(target.name, figure);
      }
    }
  }
  const ours = best.get('ferric');
  const cells = targets.map((target) => {
    const figure = best.get(target.name)!;
    if (typeof figure === 'string') return `${target.name} ${figure}`;
    const rate = Math.round(mebibytes / figure.seconds);
    const ratio =
      target.name === 'ferric' || ours === undefined || typeof ours === 'string'
        ? ''
        : `, ours takes ${(ours.seconds / figure.seconds).toFixed(2)}×`;
    return `${target.name} ${figure.seconds.toFixed(2)} s (${rate} MiB/s, ${figure.cpu > 0 ? `CPU ${figure.cpu.toFixed(2)} s` : 'CPU not counted'}${ratio})`;
  });
  for (const reference of missing) if (wants(reference, name)) cells.push(`${reference} is not installed`);
  console.log(`  ${name}: ${cells.join(' · ')}`);
}

const missing: string[] = [];
const wants = (reference: string, client: string) =>
  (reference === 'nginx') === HTTP_CLIENTS.some(([name]) => name === client);

async function measure(
  target: Target,
  program: string,
  args: string[],
  copies: number,
  signal: AbortSignal,
): Promise<Figure | string> {
  const before = cpuOf(target.process.pid!);
  const started = performance.now();
  const ends = await Promise.all(
    Array.from(
      { length: copies },
      () =>
        new Promise<string | null>((resolve) => {
          execFile(program, args, { timeout: 120_000, signal }, (error, _stdout, stderr) => {
            if (!error) resolve(null);
            else if (error.code === 'ENOENT') resolve(`not measured: ${program} is not installed`);
            else resolve(`failed: ${stderr.trim().split('\n')[0] || `exit ${error.code ?? error.signal}`}`);
          });
        }),
    ),
  );
  const failed = ends.find((end) => end !== null);
  if (failed) return failed;
  const seconds = (performance.now() - started) / 1000 / copies;
  return { seconds, cpu: (cpuOf(target.process.pid!) - before) / copies };
}

/** CPU seconds of a process and all its descendants, ended ones included. */
function cpuOf(pid: number): number {
  let sum = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = statOf(Number(entry));
    if (!fields || (Number(entry) !== pid && Number(fields[1]) !== pid)) continue;
    sum += fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
  }
  return sum / TICKS;
}

/** /proc/PID/stat after the program's name: state, ppid ... utime is the 12th, then stime, cutime, cstime. */
function statOf(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return null; // ended meanwhile
  }
}

async function references(names: string[], targets: Target[]): Promise<Target[]> {
  const found: Target[] = [];
  for (const name of names) {
    const program = locate(name);
    if (program === null) {
      missing.push(name);
      continue;
    }
    const address = name === 'dnsmasq' ? DNSMASQ_ADDRESS : '127.0.0.1';
    const port = name === 'dnsmasq' ? 69 : await freePort();
    const child = spawn(program, argumentsOf(name, port), { stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.on('data', (text) => {
      words += text;
    });
    const target = { name, address, port, process: child };
    targets.push(target);
    await sleep(500);
    if (child.exitCode === null) found.push(target);
    else console.log(`${name} did not start: ${words.trim()}`);
  }
  return found;
}

function argumentsOf(name: string, port: number): string[] {
  switch (name) {
    case 'in.tftpd':
      return ['-L', '-4', '--address', `127.0.0.1:${port}`, '--user', 'nobody', '--secure', directory];
    case 'dnsmasq':
      return [
        '-k',
        '-C',
        '/dev/null',
        '--port=0',
        '--enable-tftp',
        `--tftp-root=${directory}`,
        '--bind-interfaces',
        `--listen-address=${DNSMASQ_ADDRESS}`,
        '--pid-file=',
        '--user=nobody',
      ];
    default: {
      const conf = join(directory, 'nginx.conf');
      writeFileSync(
        conf,
        `worker_processes 1; daemon off; pid ${directory}/nginx.pid; error_log stderr crit; events {}
http { access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  server { listen 127.0.0.1:${port}; root ${directory}; } }`,
      );
      return ['-c', conf];
    }
  }
}

function locate(name: string): string | null {
  for (const folder of ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', '/sbin', '/bin']) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // absent: the next folder
    }
  }
  return null;
}

if (process.argv[2] === 'serve') await serve();
else {
  const [tftpMiB = 64, httpMiB = 1024, rounds = 3] = process.argv.slice(2).map(Number);
  await interruptible((signal) => bench(tftpMiB, httpMiB, rounds, signal));
}
