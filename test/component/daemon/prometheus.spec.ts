import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { METRICS } from '../../../src/platform/meter/metric-table.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { freePort } from '../../support/free-port.js';

const run = promisify(execFile);
const TOKEN = 'a-token-of-this-test';
const RULES = new URL('../../../monitoring/', import.meta.url).pathname;

let home: DaemonHome;
let daemon: RunningDaemon;
let base: string;
let directory: string;
let prometheus: ChildProcess | undefined;
let promUrl: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-prometheus-'));
  const port = await freePort();
  home = new DaemonHome({
    metrics: { listen: '127.0.0.1', port, token: TOKEN },
    conductor: { automated_clean: false },
    driver: { enabled_hardware_types: ['fake-hardware'] },
  });
  daemon = await home.start();
  base = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  if (prometheus && prometheus.exitCode === null) {
    prometheus.kill('SIGKILL');
    await once(prometheus, 'exit');
  }
  await home?.remove();
  rmSync(directory, { recursive: true, force: true });
});

const bearer = { authorization: `Bearer ${TOKEN}` };
const get = (path: string, headers: Record<string, string> = bearer) => fetch(base + path, { headers });
const scrape = async () => (await get('/metrics')).text();

/** A fake node that is there to be deployed. */
async function availableNode(driver_info: object): Promise<string> {
  const { uuid } = (await daemon.api('POST', '/v1/nodes', { driver: 'fake-hardware', driver_info })) as {
    uuid: string;
  };
  await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'manage' });
  await settles(uuid, 'manageable');
  await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'provide' });
  await settles(uuid, 'available');
  return uuid;
}
const settles = (uuid: string, state: string) =>
  expect
    .poll(async () => (await daemon.api('GET', `/v1/nodes/${uuid}`))['provision_state'], { timeout: 30_000 })
    .toBe(state);

describe('the metrics listener', () => {
  it('gives promtool text that it has nothing against, with metrics of the table alone', async () => {
    await availableNode({});
    const answer = await get('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const exposed = await answer.text();
    const check = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = once(check, 'exit');
    check.stdin.end(exposed);
    const said = (await text(check.stdout)) + (await text(check.stderr));
    expect([said, (await ended)[0]]).toEqual(['', 0]);
    const named = [...exposed.matchAll(/^# TYPE ferric_(\w+) /gm)].map((found) => found[1]!);
    expect(named.filter((name) => !(name in METRICS))).toEqual([]);
    // Of these something was seen already, or is to be seen from the start.
    for (const line of [
      /^ferric_build_info\{version="[^"]+",node="v\d+/m,
      /^ferric_nodes\{provision_state="available",maintenance="false"\} 1$/m,
      /^ferric_state_transitions_total\{from="enroll",to="verifying"\} 1$/m,
      /^ferric_operations_total\{kind="verify",outcome="succeeded"\} 1$/m,
      /^ferric_operations_total\{kind="deploy",outcome="failed"\} 0$/m,
      /^ferric_operation_duration_seconds_count\{kind="verify",outcome="succeeded"\} 1$/m,
      /^ferric_http_requests_total\{listener="api",method="GET",route="\/v1\/nodes\/:ident[^"]*",status="200"\} \d+$/m,
      /^ferric_db_up 1$/m,
      /^ferric_db_pool_size [1-9]/m,
      /^ferric_db_query_duration_seconds_count\{kind="select"\} [1-9]/m,
      /^ferric_image_cache_bytes 0$/m,
      /^ferric_image_cache_files 0$/m,
      /^ferric_image_cache_hits_total 0$/m,
      /^ferric_ready\{component="database"\} 1$/m,
      /^ferric_conductor_last_heartbeat_timestamp_seconds\{conductor=/m,
      /^ferric_eventloop_lag_seconds\{statistic="p99"\} [\d.]+$/m,
      /^ferric_periodic_runs_total\{task="published-files",outcome="succeeded"\} [1-9]/m,
      /^process_start_time_seconds 1\d{9}/m,
    ]) {
      expect(exposed).toMatch(line);
    }
    // No node's, and no path's own series.
    expect(exposed).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });

  it('asks for the token, and keeps web pages, other names, methods and bodies away', async () => {
    expect((await get('/metrics', {})).status).toBe(401);
    expect((await get('/metrics', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await get('/metrics', { ...bearer, origin: 'http://evil.example' })).status).toBe(403);
    expect((await get('/nothing')).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: 'POST', headers: bearer })).status).toBe(405);
    expect((await raw(`GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n`)).slice(0, 12)).toBe(
      'HTTP/1.1 403',
    );
    const body = `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello`;
    expect((await raw(body)).slice(0, 12)).toBe('HTTP/1.1 400');
    expect(
      (await get('/metrics', { ...bearer, 'accept-encoding': 'gzip' })).headers.get('content-encoding'),
    ).toBe('gzip');
  });

  it('says whether it lives and is ready, and the details to whoever has the token', async () => {
    expect([(await get('/livez', {})).status, (await get('/readyz', {})).status]).toEqual([200, 200]);
    expect((await get('/readyz?verbose', {})).status).toBe(401);
    expect(await (await get('/readyz?verbose')).text()).toBe(
      '[+]daemon ok\n[+]database ok\n[+]conductor ok\n[+]boot_http ok\nok\n',
    );
  });

  it('is on a network only with a token', async () => {
    const program = new URL('../../../dist/src/main.js', import.meta.url).pathname;
    const file = join(directory, 'open.yaml');
    writeFileSync(file, stringify({ data_dir: join(directory, 'data'), metrics: { listen: '0.0.0.0' } }));
    const refused = run(process.execPath, [program, '--config', file, '--check'], { env: {} });
    await expect(refused).rejects.toMatchObject({
      stderr: expect.stringContaining('metrics.token') as string,
    });
  });
});

describe('Debian’s Prometheus', () => {
  it('finds the shipped alert rules right, by promtool’s own tests', async () => {
    await run('promtool', ['check', 'rules', join(RULES, 'alerts.yml')]);
    const { stdout } = await run('promtool', ['test', 'rules', join(RULES, 'alerts.test.yml')]);
    expect(stdout).toContain('SUCCESS');
    const names = [...readFileSync(join(RULES, 'alerts.yml'), 'utf8').matchAll(/\bferric_(\w+)\b/g)].map(
      (found) => found[1]!,
    );
    expect(names.filter((name) => !(name in METRICS))).toEqual([]);
  });

  it('scrapes the daemon, and fires an alert when a deployment fails', async () => {
    await startPrometheus();
    await expect.poll(() => value('up{job="ferric"}'), { timeout: 30_000 }).toBe(1);
    await expect
      .poll(() => value('ferric_operations_total{kind="deploy",outcome="failed"}'), { timeout: 30_000 })
      .toBe(0);
    const uuid = await availableNode({ fake_fail_deploy: 'the disk is gone' });
    await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'active' });
    await settles(uuid, 'deploy failed');
    await expect
      .poll(() => value('ferric_operations_total{kind="deploy",outcome="failed"}'), { timeout: 30_000 })
      .toBe(1);
    await expect.poll(firing, { timeout: 30_000 }).toContain('FerricDeploymentFailed');
    const exposed = await scrape();
    expect(exposed).toMatch(
      /^ferric_operation_stages_total\{kind="deploy",stage="deploy\.[a-z_]+",outcome="failed"\} 1$/m,
    );
    expect(exposed).toMatch(
      /^ferric_operation_failures_total\{kind="deploy",stage="deploy\.[a-z_]+",reason="[a-z-]+"\} 1$/m,
    );
  });

  it('sees the daemon go away', async () => {
    daemon.process.kill('SIGKILL');
    await daemon.ended;
    await expect.poll(() => value('up{job="ferric"}'), { timeout: 30_000 }).toBe(0);
  });
});

async function startPrometheus(): Promise<void> {
  const port = await freePort();
  promUrl = `http://127.0.0.1:${port}`;
  copyFileSync(join(RULES, 'alerts.yml'), join(directory, 'alerts.yml'));
  const file = join(directory, 'prometheus.yml');
  writeFileSync(join(directory, 'token'), TOKEN);
  writeFileSync(
    file,
    stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['alerts.yml'],
      scrape_configs: [
        {
          job_name: 'ferric',
          authorization: { credentials_file: join(directory, 'token') },
          static_configs: [{ targets: [base.replace('http://', '')] }],
        },
      ],
    }),
  );
  await run('promtool', ['check', 'config', file]);
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const ready = () =>
    fetch(`${promUrl}/-/ready`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(ready, { timeout: 60_000 }).toBe(200);
}

async function value(query: string): Promise<number | null> {
  const answer = await fetch(`${promUrl}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
  const found = data.result[0];
  return found ? Number(found.value[1]) : null;
}

async function firing(): Promise<string[]> {
  const answer = await fetch(`${promUrl}/api/v1/alerts`);
  const { data } = (await answer.json()) as {
    data: { alerts: { state: string; labels: { alertname: string } }[] };
  };
  return data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
}

/** One request as bytes; the whole answer. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(new URL(base).port), '127.0.0.1', () => socket.write(request));
    socket.setEncoding('latin1').on('data', (part) => {
      answer += part;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
