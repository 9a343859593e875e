import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from './agent-command.js';
import { AgentRest } from './agent-rest.js';
import type { FleetKey } from './certificate.js';
import { exchange } from './http-client.js';

export interface AgentTiming {
  /** Milliseconds between lookup attempts. Upstream's first pause is 5 s; default 1 000. */
  lookupRetry: number;
  /** Minimum interval of heartbeats, ms. Upstream: 5 s; default 1 000. */
  heartbeatGap: number;
}

export interface AgentOptions {
  macs: readonly string[];
  address: string;
  /** Whether connections use `address` as source; false: the address is not the machine's own. */
  bindAddress: boolean;
  port: number;
  /** Parameters of the kernel's command line. */
  parameters: ReadonlyMap<string, string>;
  key: FleetKey;
  context: CommandContext;
  timing: AgentTiming;
  onEvent(event: AgentEvent): void;
}

export type AgentEvent =
  | { kind: 'lookup'; node: string }
  | { kind: 'lookup-refused'; status: number }
  | { kind: 'heartbeat'; status: number }
  | { kind: 'trouble'; error: string };

/** Microversion of the requests: the first that has agent_verify_ca in heartbeats. */
const VERSION = { 'x-openstack-ironic-api-version': '1.68', 'content-type': 'application/json' };

/** The ramdisk's agent: looks its node up, heartbeats, and serves commands until its signal fires. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { parameters, context, timing, onEvent } = options;
  const { signal, faults } = context;
  const api = parameters.get('ipa-api-url')?.replace(/\/+$/, '');
  if (api === undefined || api === '') throw new Error('the kernel was given no ipa-api-url');
  if (faults.find('no-agent')) return;
  const from = options.bindAddress ? { localAddress: options.address } : {};

  const found = await lookup();
  const rest = new AgentRest({
    address: options.address,
    port: options.port,
    key: options.key,
    token: () => found.token,
    context,
    onEnded: () => beatNow(),
  });
  await rest.listen();
  let wake = new AbortController();
  let wanted = false;
  const beatNow = () => {
    wanted = true;
    wake.abort();
  };
  signal.addEventListener('abort', () => {
    rest.close();
    wake.abort();
  });
  if (faults.find('never-heartbeats')) return;
  while (!signal.aborted) {
    wanted = false;
    wake = new AbortController();
    const taken = await beat();
    await sleep(timing.heartbeatGap, undefined, { signal, ref: false }).catch(() => undefined); // checked below
    if (signal.aborted) return;
    if (!taken || wanted) continue;
    const pause =
      Math.max(5, found.heartbeatTimeout * (0.3 + 0.3 * Math.random())) * 1000 - timing.heartbeatGap;
    // The end of a command or of the machine ends the pause early.
    await sleep(Math.max(0, pause), undefined, { signal: wake.signal, ref: false }).catch(() => undefined);
  }

  async function lookup(): Promise<{ uuid: string; token: string; heartbeatTimeout: number }> {
    const url = `${api}/v1/lookup?addresses=${options.macs.join(',')}`;
    for (;;) {
      signal.throwIfAborted();
      try {
        const { status, body } = await exchange(url, { headers: VERSION, signal, ...from });
        if (status === 200) {
          const { node, config } = JSON.parse(body) as {
            node: { uuid: string };
            config: { heartbeat_timeout: number; agent_token?: string };
          };
          const token =
            config.agent_token === '******' ? parameters.get('ipa-agent-token') : config.agent_token;
          if (token === undefined) throw new Error('lookup gave no agent token');
          onEvent({ kind: 'lookup', node: node.uuid });
          return { uuid: node.uuid, token, heartbeatTimeout: config.heartbeat_timeout };
        }
        onEvent({ kind: 'lookup-refused', status });
      } catch (error) {
        signal.throwIfAborted();
        onEvent({ kind: 'trouble', error: error instanceof Error ? error.message : String(error) });
      }
      await sleep(timing.lookupRetry, undefined, { signal, ref: false });
    }
  }

  async function beat(): Promise<boolean> {
    const body = JSON.stringify({
      callback_url: `https://${options.address}:${options.port}`,
      agent_token: found.token,
      agent_version: '9.15.0',
      agent_verify_ca: rest.certificate,
    });
    try {
      const url = `${api}/v1/heartbeat/${found.uuid}`;
      const { status } = await exchange(url, { method: 'POST', headers: VERSION, body, signal, ...from });
      onEvent({ kind: 'heartbeat', status });
      return status === 202;
    } catch (error) {
      if (!signal.aborted)
        onEvent({ kind: 'trouble', error: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }
}
