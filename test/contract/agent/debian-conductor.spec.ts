import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentUnderTest, type CurlAnswer } from '../../support/agent/agent-under-test.js';
import { asQcow2, diskImage, sha256 } from '../../support/agent/disk-image.js';
import { ImageServer } from '../../support/agent/image-server.js';
import type { Exchange } from '../../support/peer/exchange-recorder.js';
import { readRecording } from '../../support/peer/recording.js';

interface CommandBody {
  name: string;
  params: { step?: { args?: { image_info?: Record<string, unknown> } } };
}
interface CommandShown {
  id: string;
  command_name: string;
  command_status: string;
}
type Commands = { commands: CommandShown[] };

const image = diskImage('gpt', 8);
const packed = asQcow2(image);
/** A checksum that no image has: the conductor was told a wrong one. */
const WRONG = '0'.repeat(64);

const SESSIONS = ['agent-on-files', 'deployment'].flatMap((name) =>
  readRecording(name).map((session, boot) => ({ name, boot, session })),
);

/** What our agent answers to a conductor's recorded requests, beside what that conductor got and took. */
describe.each(SESSIONS)('Debian’s Ironic asks as in $name, boot $boot', ({ session }) => {
  const of = (from: Exchange['from']) => session.filter((exchange) => exchange.from === from);
  // How far a running command was at which look is a matter of time: the look after its end is compared.
  const requests = of('conductor').filter(
    ({ request, answer }) => request.method === 'POST' || !isRunning(answer.body),
  );
  const answers = new Map<Exchange, CurlAnswer>();
  let images: ImageServer;
  let test: AgentUnderTest;

  beforeAll(async () => {
    images = await ImageServer.start();
    test = await AgentUnderTest.prepare();
    test.machine.addDisk(`${test.dir}/disk`, 5 * 2 ** 30);
    const [root, lookup] = of('agent').map(({ answer }) => answer.body) as [Root, Lookup];
    test.conductor.apiVersion = root.default_version.version;
    Object.assign(test.conductor, { node: lookup.node, config: lookup.config });
    await test.start();
    for (const exchange of requests) answers.set(exchange, await ask(exchange));
  });
  afterAll(async () => {
    await test.stop();
    await images.stop();
  });

  async function ask({ request }: Exchange): Promise<CurlAnswer> {
    const body = request.body === undefined ? [] : ['--data-binary', JSON.stringify(ours(request.body))];
    for (;;) {
      const given = await test.curl(request.path, '-X', request.method, ...body);
      if (request.method === 'POST' || !isRunning(given.body)) return given;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The request with an image that there is. */
  function ours(body: unknown): unknown {
    const command = structuredClone(body) as CommandBody;
    const info = command.params.step?.args?.image_info;
    if (info === undefined) return command;
    const file = new URL((info['urls'] as string[])[0]!).pathname.slice(1);
    const content = file.endsWith('.qcow2') ? packed : image;
    images.content.set(file, content);
    info['urls'] = [images.url(file)];
    if (info['os_hash_value'] !== WRONG) info['os_hash_value'] = sha256(content);
    return command;
  }

  it('the agent says of itself what the conductor took', () => {
    const beats = of('agent').filter(({ request }) => request.path.startsWith('/v1/heartbeat/'));
    expect(beats.map(({ answer }) => answer.status)).toEqual(beats.map(() => 202));
    const [taken] = beats;
    const [beat] = test.conductor.heartbeats;
    expect(beat!.version).toBe(taken!.request.version);
    expect(plain({ ...beat!.body, agent_verify_ca: 'CERTIFICATE' })).toEqual(plain(taken!.request.body));
    const lookup = of('agent').find(({ request }) => request.path.startsWith('/v1/lookup'))!;
    expect(plain(test.conductor.lookups[0])).toEqual(plain(lookup.request.path));
  });

  it.each(requests.map((exchange, n) => ({ n, asked: asked(exchange), exchange })))(
    'answer $n: $asked',
    ({ exchange }) => {
      const { request, answer } = exchange;
      const given = answers.get(exchange)!;
      expect(given.status).toBe(answer.status);
      // How far a command is that nobody waits for is a matter of time.
      const hurried = request.path.includes('wait=false');
      const record = (body: unknown) =>
        hurried
          ? { ...(body as CommandShown), command_status: 'RUNNING or more', command_result: null }
          : body;
      expect(plain(record(given.body))).toEqual(plain(record(answer.body)));
    },
  );
});

interface Root {
  default_version: { version: string };
}
interface Lookup {
  node: Record<string, unknown>;
  config: object;
}

const isRunning = (list: unknown) => (list as Commands).commands.at(-1)?.command_status === 'RUNNING';

function asked({ request }: Exchange): string {
  return (request.body as CommandBody | undefined)?.name ?? `${request.method} ${request.path}`;
}

/** Without what differs from machine to machine and from run to run. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replace(/https?:\/\/[\d.]+:\d+/g, 'http://HOST')
    .replace(/\/dev\/vda\b|\/[\w./-]*\/disk\b/g, 'DISK')
    .replace(/location: [^;]*/g, 'location: FILE')
    .replace(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g, 'MAC')
    .replace(/\b[0-9a-f]{64}\b/g, 'SHA256')
    .replace(/\b0x[0-9a-f]{8}\b/g, 'IDENTIFIER')
    .replace(/"id":"[0-9a-f-]{36}"/g, '"id":"UUID"')
    .replace(/"system_logs":"[^"]*"/g, '"system_logs":"LOGS"');
  return JSON.parse(text);
}
