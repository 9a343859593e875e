import { FerricError, messageOf } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import { type MeasuredOutcome, measured } from '../../platform/meter/measured.js';
import { count, observe } from '../../platform/meter/meter.js';
import { type CommandRecord, parseCommandList, parseCommandRecord } from '../../protocol/agent/command.js';
import { MalformedBody } from '../../protocol/agent/malformed-body.js';
import { oneLine } from '../../protocol/printable.js';
import type { DriverContext } from '../contract/context.js';
import { internalOf } from '../contract/internal-info.js';
import { NotConnected, type PinnedResponse, pinnedRequest } from './pinned-request.js';

export interface AgentClientSettings {
  /** ms for one request. */
  timeout: number;
  /** Attempts of a repeatable request. */
  attempts: number;
  /** agent.require_tls and agent.callback_ports: checked again here, whatever wrote the URL. */
  requireTls: boolean;
  /** Empty: any. */
  ports: readonly number[];
}

/** Bytes of an answer, without the config drive that it may repeat. */
const MAX_ANSWER = 1 << 20;
/** Lists every command since the agent started. With the slash; without it upstream's router redirects. */
const COMMANDS = '/v1/commands/';
/** ms before another attempt. */
const PAUSE = 1_000;

interface How {
  attempts: number;
  /** The agent may receive it twice. */
  repeatable: boolean;
  /** Of the answer; 1 MiB, and room for the config drive that upstream's agent repeats. */
  maxBytes: number;
}

/** The agent is executing another command. */
export class AgentBusyError extends FerricError {
  constructor(message: string) {
    super('agent-failed', message);
  }
}

/**
 * The conductor's client of the agent's REST API (ironic/drivers/modules/agent_client.py). Address, certificate and
 * token come from driver_internal_info, where lookup and heartbeats of the agent store them.
 */
export class AgentClient {
  constructor(private readonly settings: AgentClientSettings) {}

  /** Whether an agent has sent a heartbeat since the node was last powered off. */
  isKnown(context: DriverContext): boolean {
    const { agent_url, agent_last_heartbeat } = internalOf(context.node);
    return Boolean(agent_url) && agent_last_heartbeat !== undefined;
  }

  /** Every command since the agent started, oldest first. @throws FerricError agent-unreachable, agent-failed */
  async commands(context: DriverContext): Promise<CommandRecord[]> {
    return this.parse(await this.ask(context, 'GET', COMMANDS), parseCommandList);
  }

  /** @returns null when the agent does not know the command: the agent has restarted since */
  async command(context: DriverContext, id: string): Promise<CommandRecord | null> {
    const response = await this.ask(context, 'GET', COMMANDS + encodeURIComponent(id));
    return response.status === 404 ? null : this.parse(response, (body) => parseCommandRecord(body));
  }

  /**
   * Starts a command once. Where it is unknown whether the agent received it (agent-unreachable other than
   * NotConnected), `commands` shows it.
   * @throws AgentBusyError, FerricError agent-unreachable, agent-failed
   */
  async start(context: DriverContext, name: string, params: Record<string, Json>): Promise<CommandRecord> {
    const response = await this.ask(
      context,
      'POST',
      `${COMMANDS}?wait=false`,
      { name, params },
      { repeatable: false },
    );
    return this.parse(response, (body) => parseCommandRecord(body));
  }

  /**
   * Runs a short, repeatable command to its end.
   * @throws AgentBusyError, FerricError agent-unreachable, agent-failed (also when the command failed)
   */
  async call(
    context: DriverContext,
    name: string,
    params: Record<string, Json> = {},
    how: Partial<How> = {},
  ): Promise<CommandRecord> {
    const response = await this.ask(context, 'POST', `${COMMANDS}?wait=true`, { name, params }, how);
    const record = this.parse(response, (body) => parseCommandRecord(body));
    if (record.command_status !== 'SUCCEEDED') throw failureOf(record);
    return record;
  }

  private async ask(
    context: DriverContext,
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    how: Partial<How> = {},
  ): Promise<PinnedResponse> {
    const { attempts = this.settings.attempts, repeatable = true, maxBytes = mostOf(context) } = how;
    const { url, certificate } = this.addressOf(context, path);
    const text = body === undefined ? undefined : JSON.stringify(body);
    for (let attempt = 1; ; attempt++) {
      await context.fence(this.settings.timeout);
      try {
        const ask = () =>
          pinnedRequest({
            method,
            url,
            certificate,
            ...(text === undefined ? {} : { body: text }),
            timeout: this.settings.timeout,
            maxBytes,
            signal: context.signal,
          });
        return await measured(ask, meterRequest);
      } catch (error) {
        // A connection that failed is always retried, repeatable request or not: nothing was sent.
        const tries = repeatable || error instanceof NotConnected ? attempts : 1;
        if (!(error instanceof FerricError) || error.code !== 'agent-unreachable' || attempt >= tries)
          throw error;
        context.log.debug({ attempt, error: error.message }, 'the agent is asked again');
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        context.signal.throwIfAborted();
      }
    }
  }

  private addressOf(context: DriverContext, path: string): { url: URL; certificate: string | null } {
    const { agent_url, agent_verify_ca, agent_secret_token } = internalOf(context.node);
    if (typeof agent_url !== 'string' || !URL.canParse(agent_url)) {
      throw new FerricError('agent-unreachable', 'No agent has reported its address for this node.');
    }
    const base = new URL(agent_url);
    const port = Number(base.port || (base.protocol === 'https:' ? 443 : 80));
    const wrong =
      base.protocol !== 'https:' && (base.protocol !== 'http:' || this.settings.requireTls)
        ? 'is not https'
        : this.settings.ports.length > 0 && !this.settings.ports.includes(port)
          ? `has the port ${port}, which is not allowed`
          : base.username || base.password || base.pathname !== '/' || base.search || base.hash
            ? 'is more than an address'
            : undefined;
    if (wrong) throw new FerricError('agent-failed', `The address that the agent reported ${wrong}.`);
    const url = new URL(path, base);
    if (typeof agent_secret_token === 'string') url.searchParams.set('agent_token', agent_secret_token);
    return { url, certificate: typeof agent_verify_ca === 'string' ? agent_verify_ca : null };
  }

  /** @throws AgentBusyError, FerricError agent-failed */
  private parse<T>(response: PinnedResponse, read: (body: unknown) => T): T {
    let body: unknown;
    try {
      body = JSON.parse(response.text);
    } catch (error) {
      throw new FerricError('agent-failed', `The agent answered ${response.status} with what is no JSON.`, {
        cause: error,
      });
    }
    if (response.status >= 400) {
      const { faultstring } = (body ?? {}) as { faultstring?: unknown };
      const text = oneLine(typeof faultstring === 'string' ? faultstring : 'no reason given', 1_000);
      if (response.status === 409 || /agent is busy/i.test(text))
        throw new AgentBusyError(`The agent is busy: ${text}`);
      throw new FerricError('agent-failed', `The agent refused with status ${response.status}: ${text}`);
    }
    // A redirect is an error: following it would send the token to another host.
    if (response.status >= 300)
      throw new FerricError('agent-failed', `The agent answered ${response.status}.`);
    try {
      return read(body);
    } catch (error) {
      if (!(error instanceof MalformedBody)) throw error;
      throw new FerricError('agent-failed', `The agent’s answer is malformed: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

function meterRequest(outcome: MeasuredOutcome, seconds: number): void {
  count('agent_requests_total', { outcome });
  observe('agent_request_duration_seconds', { outcome }, seconds);
}

/** The result of write_image repeats its arguments, which contain the config drive twice. */
function mostOf(context: DriverContext): number {
  const { configdrive } = context.node.instance_info;
  return MAX_ANSWER + 3 * (configdrive === undefined ? 0 : JSON.stringify(configdrive).length);
}

/** The error of a failed command, for `last_error`. */
export function failureOf(record: CommandRecord): FerricError {
  const { command_error: error, command_name, command_status } = record;
  const text = error ? oneLine(error.details || error.message || error.type, 1_000) : command_status;
  return new FerricError('agent-failed', `Agent command ${command_name} failed: ${text}`);
}
