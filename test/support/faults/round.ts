/**
 * The clients of a daemon, as a process in a network namespace. Each line of its input is the ms to wait for an answer:
 * one round over all doors, answered by a line of JSON, what was wrong at each door, or an empty object.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from '../../../agent/src/certificate.js';

const [server] = process.argv.slice(2) as [string];
const SELF = '10.67.0.2';
const API = `http://${server}:6385`;
const AGENTS = `http://${server}:6386`;
const JSON_TYPE = { 'content-type': 'application/json' };
let limit = 30_000;
let count = 0;
let rounds = 0;

interface Reply {
  status: number;
  text: string;
  json: Record<string, unknown>;
}

async function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = JSON_TYPE,
): Promise<Reply> {
  const answer = await fetch(url, {
    method,
    headers: { 'x-openstack-ironic-api-version': '1.104', connection: 'close', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(limit),
  });
  const text = await answer.text();
  const json = (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>;
  return { status: answer.status, text, json };
}

async function expectStatus(wanted: number, method: string, url: string, body?: unknown): Promise<Reply> {
  const reply = await send(method, url, body);
  if (reply.status !== wanted)
    throw new Error(`${method} ${url}: ${reply.status} ${reply.text.slice(0, 200)}`);
  return reply;
}

async function enrol(body: object): Promise<string> {
  const name = `round-${process.pid}-${++count}`;
  return (await expectStatus(201, 'POST', `${API}/v1/nodes`, { name, ...body })).json['uuid'] as string;
}

const verb = (uuid: string, target: string) =>
  expectStatus(202, 'PUT', `${API}/v1/nodes/${uuid}/states/provision`, { target });

async function until(uuid: string, state: string): Promise<void> {
  for (const end = Date.now() + limit; ; await sleep(50)) {
    const { json, text } = await send('GET', `${API}/v1/nodes/${uuid}`);
    if (json['provision_state'] === state && json['reservation'] === null) return;
    if (Date.now() > end) throw new Error(`not ${state}: ${text.slice(0, 1_500)}`);
  }
}

async function remove(uuid: string): Promise<void> {
  await send('PUT', `${API}/v1/nodes/${uuid}/maintenance`, {});
  await expectStatus(204, 'DELETE', `${API}/v1/nodes/${uuid}`);
}

/** A node from enroll to manageable: requests, work of the conductor, and its event in a stream. */
async function node(): Promise<void> {
  const stream = new AbortController();
  const uuid = await enrol({ driver: 'fake-hardware' });
  const events = await fetch(`${API}/v1/events/stream`, {
    headers: { accept: 'text/event-stream' },
    signal: AbortSignal.any([stream.signal, AbortSignal.timeout(limit)]),
  });
  if (events.status !== 200) throw new Error(`stream: ${events.status}`);
  await verb(uuid, 'manage');
  let heard = '';
  for await (const part of events.body!.pipeThrough(new TextDecoderStream())) {
    heard += part;
    if (heard.includes(uuid)) break;
  }
  stream.abort();
  await until(uuid, 'manageable');
  await remove(uuid);
}

/** A cleaning that waits for its ramdisk, whose agent refuses every command; in the row before, a wait by poll. */
async function clean(): Promise<void> {
  const uuid = await enrol({ driver: 'fake-hardware', deploy_interface: 'direct', boot_interface: 'fake' });
  await verb(uuid, 'manage');
  await until(uuid, 'manageable');
  await verb(uuid, 'provide');
  await until(uuid, 'clean wait');
  const found = await expectStatus(200, 'GET', `${AGENTS}/v1/lookup?node_uuid=${uuid}`);
  const { agent_token } = found.json['config'] as { agent_token: string };
  await expectStatus(202, 'POST', `${AGENTS}/v1/heartbeat/${uuid}`, {
    callback_url: `https://${SELF}:9999`,
    agent_token,
    agent_version: '9.1.0',
    agent_verify_ca: certificate.certificate,
  });
  await until(uuid, 'clean failed');
  await remove(uuid);
}

/** An inspection by a ramdisk, with a rule in its thread. */
async function inspect(): Promise<void> {
  const uuid = await enrol({ driver: 'fake-hardware', inspect_interface: 'agent' });
  await verb(uuid, 'manage');
  await until(uuid, 'manageable');
  await verb(uuid, 'inspect');
  await until(uuid, 'inspect wait');
  const mac_address = `02:01:00:00:00:${(count % 256).toString(16).padStart(2, '0')}`;
  // Large enough that its body is parsed in the thread.
  const report = {
    inventory: { interfaces: [{ name: 'a', mac_address }], cpu: { architecture: 'x86_64' } },
    logs: 'x'.repeat(300_000),
  };
  await expectStatus(202, 'POST', `${AGENTS}/v1/continue_inspection?node_uuid=${uuid}`, report);
  await until(uuid, 'manageable');
  await remove(uuid);
}

/** Three BMCs: two that answer nonsense, and one that answers nothing of Redfish. */
async function bmc(): Promise<void> {
  const silent = await enrol({
    driver: 'ipmi',
    driver_info: { ipmi_address: SELF, ipmi_username: 'u', ipmi_password: 'p' },
  });
  // IPMI 1.5 is ipmitool's.
  const old = await enrol({
    driver: 'ipmi',
    driver_info: { ipmi_address: SELF, ipmi_username: 'u', ipmi_password: 'p', ipmi_protocol_version: '1.5' },
  });
  const strange = await enrol({
    driver: 'redfish',
    driver_info: {
      redfish_address: `https://${SELF}:8443`,
      redfish_system_id: '/redfish/v1/Systems/1',
      redfish_username: 'u',
      redfish_password: 'p',
      redfish_verify_ca: false,
    },
  });
  await Promise.all(
    [silent, old, strange].map(async (uuid) => {
      await verb(uuid, 'manage');
      await until(uuid, 'enroll');
      await remove(uuid);
    }),
  );
}

/** An upload that says nothing more; the daemon cuts it. */
async function stall(): Promise<void> {
  const body = { name: 'stall', disk_format: 'raw', container_format: 'bare' };
  const id = (await expectStatus(201, 'POST', `${API}/v2/images`, body)).json['id'] as string;
  const socket = connect(6385, server, () =>
    socket.write(
      `PUT /v2/images/${id}/file HTTP/1.1\r\nHost: ${server}\r\n` +
        'Content-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nx',
    ),
  );
  socket.on('error', () => undefined).resume();
  const late = AbortSignal.timeout(limit);
  await once(socket, 'close', { signal: late }).finally(() => socket.destroy());
  await expectStatus(204, 'DELETE', `${API}/v2/images/${id}`);
}

/** Lookup of a machine that nobody boots. */
async function agent(): Promise<void> {
  await expectStatus(404, 'GET', `${AGENTS}/v1/lookup?addresses=02:00:00:00:00:01`);
}

async function metrics(): Promise<void> {
  await expectStatus(200, 'GET', `http://${server}:6387/livez`);
  const scraped = await send('GET', `http://${server}:6387/metrics`, undefined, {
    authorization: 'Bearer let-me-in',
  });
  if (scraped.status !== 200) throw new Error(`metrics: ${scraped.status} ${scraped.text.slice(0, 200)}`);
  await expectStatus(200, 'GET', `http://${server}:6387/readyz`);
}

/** Bytes up, down, and from a server of images. */
async function image(): Promise<void> {
  const make = async () => {
    const body = { name: 'i', disk_format: 'raw', container_format: 'bare' };
    return (await expectStatus(201, 'POST', `${API}/v2/images`, body)).json['id'] as string;
  };
  const [id, imported] = [await make(), await make()];
  const bytes = 'x'.repeat(100_000);
  const up = await send('PUT', `${API}/v2/images/${id}/file`, bytes, {
    'content-type': 'application/octet-stream',
  });
  if (up.status !== 204) throw new Error(`upload: ${up.status} ${up.text}`);
  const down = await send('GET', `${API}/v2/images/${id}/file`);
  if (down.text !== bytes) throw new Error(`download: ${down.status}, ${down.text.length} bytes`);
  const method = { name: 'web-download', uri: `http://${SELF}:8000/image` };
  await expectStatus(202, 'POST', `${API}/v2/images/${imported}/import`, { method });
  for (const end = Date.now() + limit; ; await sleep(50)) {
    const { json, text } = await send('GET', `${API}/v2/images/${imported}`);
    if (json['status'] === 'active') break;
    if (Date.now() > end) throw new Error(`not imported: ${text}`);
  }
  for (const one of [id, imported]) await expectStatus(204, 'DELETE', `${API}/v2/images/${one}`);
}

async function http(): Promise<void> {
  const answer = await send('GET', `http://${server}:8080/small`);
  if (answer.status !== 200 || answer.text.length !== 500) throw new Error(`HTTP boot: ${answer.status}`);
  // One that is no HTTP, one that hangs up in the middle of a file, one that says nothing.
  const socket = connect(8080, server, () => socket.write('no HTTP at all\r\n\r\n'));
  socket.on('error', () => undefined).resume();
  await once(socket, 'close');
  const rude = connect(8080, server, () => rude.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n'));
  rude.on('error', () => undefined);
  await Promise.race([once(rude, 'data'), once(rude, 'close')]);
  rude.destroy();
}

async function tftp(): Promise<void> {
  const socket = createSocket('udp4');
  // One that is never acknowledged: its blocks are repeated.
  const silent = createSocket('udp4');
  silent.send('\0\x01small\0octet\0', 69, server);
  setTimeout(() => silent.close(), 2_000);
  try {
    let last = 0;
    // More than is read ahead, then an error ends it.
    await ask(socket, Buffer.from('\0\x01large\0octet\0', 'latin1'), 69, (bytes, port) => {
      if (bytes.readUInt16BE(0) !== 3) return false;
      last = bytes.readUInt16BE(2);
      const answer = last < 300 ? [0, 4, last >> 8, last % 256] : [0, 5, 0, 0, 0];
      socket.send(Buffer.from(answer), port, server);
      return last >= 300;
    });
  } finally {
    socket.close();
  }
}

async function dhcp(): Promise<void> {
  const xid = ++rounds;
  const bytes = Buffer.alloc(300);
  bytes.set([1, 1, 6, 1]);
  bytes.writeUInt32BE(xid, 4);
  bytes.set([10, 67, 0, 2], 24);
  // Another machine each time: its address is probed before the first offer.
  bytes.set([2, 0, 0, 0, 0, 1 + (xid % 100)], 28);
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  // A stranger before it, for whom the ports are read again.
  const stranger = Buffer.from(bytes);
  stranger.set([2, 0xff, 0, 0, 0, count % 256], 28);
  relay.send(stranger, 67, server);
  await ask(relay, bytes, 67, (answer) => answer.readUInt32BE(4) === xid);
}

async function ask(
  socket: Socket,
  bytes: Buffer,
  port: number,
  isAnswer: (bytes: Buffer, port: number) => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const hear = (answer: Buffer, from: { port: number }) => {
    if (isAnswer(answer, from.port)) resolve();
  };
  socket.on('message', hear);
  const again = () => socket.send(bytes, port, server);
  const repeats = setInterval(again, 500);
  const late = setTimeout(() => reject(new Error(`no answer from port ${port}`)), limit);
  again();
  await promise.finally(() => {
    clearInterval(repeats);
    clearTimeout(late);
    socket.off('message', hear);
  });
}

const certificate = makeCertificate(SELF, 'round');
const refuse = createHttpsServer(
  { key: certificate.privateKey, cert: certificate.certificate },
  (_request, response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{}'),
);
const alsoRefuse = createHttpsServer(
  { key: certificate.privateKey, cert: certificate.certificate },
  refuse.listeners('request')[0] as () => void,
);
refuse.listen(9999, SELF);
// A BMC that answers, but not what it was asked.
const nonsense = createSocket('udp4');
nonsense.on('message', (_bytes, from) => nonsense.send('no IPMI', from.port, from.address)).bind(623, SELF);
alsoRefuse.listen(8443, SELF);
createHttpServer((_request, response) => response.end(Buffer.alloc(2 ** 20, 7))).listen(8000, SELF);
const relay = createSocket({ type: 'udp4', reuseAddr: true });
relay.bind(67, SELF);
await once(relay, 'listening');
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  limit = Number(line);
  const doors = { node, clean, inspect, bmc, stall, agent, metrics, image, http, tftp, dhcp };
  const faults: Record<string, string> = {};
  await Promise.all(
    Object.entries(doors).map(async ([name, door]) => {
      const begun = Date.now();
      await door().catch((error: Error) => {
        faults[name] = `${error.message} (${Date.now() - begun} ms)`;
      });
      if (process.env['ROUND_TIMES']) console.error(name, Date.now() - begun);
    }),
  );
  console.log(JSON.stringify(faults));
}
process.exit(0);
