import type { RedfishSettings } from '../../config/section/redfish.js';
import { CancelledError, FerricError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { Logger } from '../../platform/logger.js';
import { pause } from '../../platform/pause.js';
import type { ServiceRoot } from '../../protocol/redfish/service-root.js';
import { BmcQueue, bmcKey, type Verdict } from '../bmc/queue.js';
import type { ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import { faultOfStatus, RedfishError, type RedfishFault } from './faults.js';
import { isPassing, pauseBefore, type Repeat } from './retry.js';
import { RedfishSessions } from './sessions.js';
import { parseTarget, type RedfishTarget } from './target.js';
import {
  type Answer,
  type Method,
  messagesOf,
  RedfishTransport,
  shownPath,
  type Upload,
} from './transport.js';

/** A request to a BMC. */
export interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body?: Json;
  /** In place of `body`. */
  readonly upload?: Upload;
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeat: Repeat;
}

/** A BMC, and the work that sends it requests. */
export interface Caller {
  readonly target: RedfishTarget;
  /** An operator, or work that one requested, waits; else the daemon polls by itself. */
  readonly attended: boolean;
  /** Called right before each request, with the ms that it may take. */
  fence(duration: number): Promise<void>;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** For a node, under its reservation. @throws InvalidError naming fields of driver_info */
export function callerOf(context: ReadContext): Caller {
  return {
    target: parseTarget(context.node.driver_info, context.node.driver_internal_info),
    attended: context.attended,
    fence: (duration) => context.fence(duration),
    signal: context.signal,
    log: context.log,
  };
}

/** ms for the end of all sessions when the daemon stops. */
const FAREWELL = 5_000;

/**
 * The only access to Redfish services: logged in, one request at a time to each BMC, with a retry where `retry.ts`
 * allows it.
 */
export class RedfishClient implements Startable {
  readonly name = 'Redfish';
  readonly transport: RedfishTransport;
  private readonly sessions: RedfishSessions;
  private readonly queue: BmcQueue;

  constructor(private readonly settings: RedfishSettings) {
    this.transport = new RedfishTransport(settings);
    this.sessions = new RedfishSessions(this.transport, settings.auth_type);
    this.queue = new BmcQueue({
      maxRunning: settings.max_running,
      maxWaiting: settings.max_waiting,
      maxInterval: settings.max_request_interval * 1000,
    });
  }

  async stop(hurry?: AbortSignal): Promise<void> {
    const time = AbortSignal.timeout(FAREWELL);
    await this.sessions.endAll(hurry ? AbortSignal.any([time, hurry]) : time);
    this.transport.close();
  }

  /** Identifies this service under this login. */
  keyOf(target: RedfishTarget): string {
    return this.sessions.keyOf(target);
  }

  root(caller: Caller): Promise<ServiceRoot> {
    const request = { method: 'GET', path: caller.target.root } as const;
    return this.repeated(caller, request, 'looks', () => this.sessions.root(caller.target, caller));
  }

  forgetRoot(caller: Caller): void {
    this.sessions.forgetRoot(caller.target);
  }

  /** SHA-256 of the certificate that the BMC presents; no request is sent to it. */
  async fingerprint(caller: Caller): Promise<string> {
    const { target, signal } = caller;
    try {
      return await this.transport.trust.fingerprintOf(target, this.settings.connect_timeout * 1000, signal);
    } catch (error) {
      if (signal.aborted) throw new CancelledError(undefined, { cause: error });
      const why = (error as NodeJS.ErrnoException).code ?? 'no certificate';
      throw new FerricError(
        'bmc-unreachable',
        `The certificate of the BMC ${target.address} cannot be read (${why}).`,
        { cause: error },
      );
    }
  }

  /**
   * @returns an answer of status 2xx
   * @throws RedfishError for any other status, and without an answer
   * @throws CancelledError when the signal fires
   */
  send(caller: Caller, call: Call): Promise<Answer> {
    return this.repeated(caller, call, call.repeat, () => this.once(caller, call));
  }

  private async repeated<T>(
    caller: Caller,
    request: { method: Method; path: string },
    repeat: Repeat,
    work: () => Promise<T>,
  ): Promise<T> {
    const { target, signal, attended } = caller;
    const { connection_attempts: most, connection_retry_interval: interval } = this.settings;
    const shown = { method: request.method, path: shownPath(request.path) };
    this.sessions.assertWelcome(target, caller, shown);
    for (let sent = 1; ; sent++) {
      try {
        const turn = { signal, urgent: attended, judge: verdictOf };
        return await this.queue.run(bmcKey(target), work, turn);
      } catch (error) {
        if (!(error instanceof RedfishError)) throw error;
        const attempts = { sent, attended, most, interval: interval * 1000 };
        const delay = pauseBefore(error.fault, repeat, attempts);
        if (delay === undefined) throw error;
        caller.log.debug({ ...shown, sent, fault: error.fault.text }, 'Redfish request is sent again');
        await pause(delay, signal);
      }
    }
  }

  private async once(caller: Caller, call: Call): Promise<Answer> {
    const { target } = caller;
    await caller.fence(this.transport.longest(call.upload) + 2_000);
    let answer = await this.exchange(caller, call);
    if (answer.status === 401 && this.sessions.renew(target)) answer = await this.exchange(caller, call);
    const { status } = answer;
    if (status === 401 && target.username !== undefined) {
      throw this.sessions.refused(target, call.method, shownPath(call.path), answer);
    }
    if (status !== 401) this.sessions.accepted(target);
    if (status >= 200 && status < 300) return answer;
    const { retryAfter } = answer;
    const messages = messagesOf(answer);
    const fault: RedfishFault = faultOfStatus(status, messages, {
      outcome: 'refused',
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
    throw new RedfishError(fault, { method: call.method, path: shownPath(call.path) });
  }

  /** One request, and a second without a header that some services refuse (406) before they read the rest. */
  private async exchange(caller: Caller, call: Call): Promise<Answer> {
    const { target, signal } = caller;
    const login = await this.sessions.login(target, caller);
    const exchange = {
      method: call.method,
      path: call.path,
      headers: { ...login, ...call.headers },
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(call.upload === undefined ? {} : { upload: call.upload }),
      // Polls of many BMCs keep no connections open; nor do requests that change something.
      fresh: call.method !== 'GET' || !caller.attended,
      signal,
    };
    const answer = await this.transport.exchange(target, exchange);
    if (answer.status !== 406) return answer;
    return this.transport.exchange(target, {
      ...exchange,
      headers: { ...exchange.headers, 'accept-encoding': '' },
    });
  }
}

function verdictOf(error: unknown): Verdict {
  if (!(error instanceof RedfishError)) return 'answered';
  if (error.fault.silent) return 'silent';
  return error.fault.status !== undefined && isPassing(error.fault) ? 'busy' : 'answered';
}
