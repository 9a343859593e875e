import { createHmac, randomBytes } from 'node:crypto';
import type { Json } from '../../domain/json.js';
import { readServiceRoot, type ServiceRoot } from '../../protocol/redfish/service-root.js';
import { faultOfStatus, RedfishError, type RedfishFault } from './faults.js';
import type { AuthType, RedfishTarget } from './target.js';
import { type Answer, type Method, messagesOf, type RedfishTransport } from './transport.js';

interface Session {
  readonly target: RedfishTarget;
  readonly token: string;
  /** Path of the session; undefined: the service returned none, so the session ends by its timeout. */
  readonly location: string | undefined;
}

/** State learned of one service under one login; lost when the process ends. */
interface Known {
  root: ServiceRoot | undefined;
  session: Session | undefined;
  /** By performance.now(): until then no session is requested, because the BMC had none left. */
  basicUntil: number;
  /** The BMC's refusal of this login. */
  refusal: RedfishFault | undefined;
}

export interface Caller {
  readonly signal: AbortSignal;
  readonly attended: boolean;
}

/** ms without a session request after the BMC had no session left. */
const BASIC_FOR = 5 * 60_000;
const MOST = 50_000;

/**
 * Logins, with one session per BMC and login. The BMC's queue ensures that only one request at a time uses a session.
 */
export class RedfishSessions {
  private readonly known = new Map<string, Known>();
  /** Keys the fingerprints of credentials, which are worthless outside of this process. */
  private readonly secret = randomBytes(32);

  constructor(
    private readonly transport: RedfishTransport,
    private readonly authType: AuthType,
  ) {}

  /** Identifies this service under this login. */
  keyOf(target: RedfishTarget): string {
    const { origin, root, username, password, trust, authType } = target;
    const login = JSON.stringify([username, password, trust, authType]);
    return `${origin}${root} ${createHmac('sha256', this.secret).update(login).digest('base64')}`;
  }

  /** The service root; read once, without a login (DSP0266 §13.2.2). */
  async root(target: RedfishTarget, caller: Caller): Promise<ServiceRoot> {
    const known = this.of(target);
    if (known.root) return known.root;
    const path = target.root;
    const get = (headers: Record<string, string>) =>
      this.transport.exchange(target, { method: 'GET', path, headers, fresh: false, signal: caller.signal });
    let answer = await get({});
    // Some services require a login even here; the address for sessions is not known yet.
    if (answer.status === 401 && target.username !== undefined) answer = await get(basic(target));
    if (answer.status === 401) throw this.refused(target, 'GET', path, answer);
    const { body, status } = answer;
    if (status !== 200 || !body) throw wrong('GET', path, answer);
    known.root = readServiceRoot(body);
    return known.root;
  }

  /** @throws RedfishError for a login that this BMC refused, while no operator waits: BMCs lock accounts */
  assertWelcome(target: RedfishTarget, caller: Caller, request: { method: string; path: string }): void {
    const refusal = caller.attended ? undefined : this.of(target).refusal;
    if (!refusal) return;
    const text = `${refusal.text}; it is not tried again until the credentials change or an operator asks`;
    throw new RedfishError({ ...refusal, text }, request);
  }

  /** The headers of a login. @throws RedfishError */
  async login(target: RedfishTarget, caller: Caller): Promise<Record<string, string>> {
    if (target.username === undefined) return {};
    const known = this.of(target);
    if (known.session) return { 'x-auth-token': known.session.token };
    const wanted = target.authType ?? this.authType;
    if (wanted === 'basic' || (wanted === 'auto' && performance.now() < known.basicUntil))
      return basic(target);
    const { sessions } = await this.root(target, caller);
    if (sessions === undefined && wanted === 'auto') return basic(target);
    const session = await this.begin(
      target,
      sessions ?? `${target.root}SessionService/Sessions`,
      wanted,
      caller,
    );
    if (!session) {
      known.basicUntil = performance.now() + BASIC_FOR;
      return basic(target);
    }
    known.session = session;
    known.refusal = undefined;
    return { 'x-auth-token': session.token };
  }

  /** The BMC has dropped the session. @returns whether a new login may help */
  renew(target: RedfishTarget): boolean {
    const known = this.of(target);
    const had = known.session !== undefined;
    known.session = undefined;
    return had;
  }

  /** Records that the BMC refused this login. */
  refused(target: RedfishTarget, method: Method, path: string, answer: Answer): RedfishError {
    const fault = faultOfStatus(401, messagesOf(answer), { outcome: 'unsent' });
    this.of(target).refusal = fault;
    return new RedfishError(fault, { method, path });
  }

  accepted(target: RedfishTarget): void {
    const known = this.known.get(this.keyOf(target));
    if (known?.refusal) known.refusal = undefined;
  }

  /** The service root may have changed: by a firmware update, or by another machine at this address. */
  forgetRoot(target: RedfishTarget): void {
    this.of(target).root = undefined;
  }

  /** Ends all sessions, because BMCs have few of them. A session that cannot be ended at once times out by itself. */
  async endAll(signal: AbortSignal): Promise<void> {
    const open = [...this.known.values()].flatMap(({ session }) => session ?? []);
    for (const known of this.known.values()) known.session = undefined;
    const next = async () => {
      for (let session = open.pop(); session && !signal.aborted; session = open.pop()) {
        await this.end(session, signal);
      }
    };
    await Promise.all(Array.from({ length: 64 }, next));
  }

  private async end({ target, token, location }: Session, signal: AbortSignal): Promise<void> {
    if (location === undefined) return;
    const headers = { 'x-auth-token': token };
    try {
      await this.transport.exchange(target, {
        method: 'DELETE',
        path: location,
        headers,
        fresh: true,
        signal,
      });
    } catch {
      // The session times out by itself, after the BMC's SessionTimeout.
    }
  }

  private async begin(
    target: RedfishTarget,
    path: string,
    wanted: AuthType,
    caller: Caller,
  ): Promise<Session | undefined> {
    const body: Json = { UserName: target.username ?? '', Password: target.password };
    const exchange = { method: 'POST', path, headers: {}, body, fresh: true, signal: caller.signal } as const;
    const answer = await this.transport.exchange(target, exchange);
    const { status, token, location } = answer;
    if (status === 401) throw this.refused(target, 'POST', path, answer);
    if (status >= 200 && status < 300 && token !== undefined) return { target, token, location };
    // No session service, or no session left (iDRAC: RAC0218): the login was not refused.
    if (wanted === 'auto' && status !== 429 && status !== 403) return undefined;
    if (wanted === 'auto' && status === 403 && /session/i.test(JSON.stringify(answer.body ?? '')))
      return undefined;
    throw wrong('POST', path, answer);
  }

  private of(target: RedfishTarget): Known {
    const key = this.keyOf(target);
    let known = this.known.get(key);
    if (!known) {
      known = { root: undefined, session: undefined, basicUntil: 0, refusal: undefined };
      this.known.set(key, known);
      if (this.known.size > MOST) {
        for (const oldest of this.known.keys()) {
          this.known.delete(oldest);
          break;
        }
      }
    }
    return known;
  }
}

/** RFC 7617: a colon ends the user name, so a name that contains one cannot be sent. */
function basic({ username = '', password }: RedfishTarget): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

function wrong(method: Method, path: string, answer: Answer): RedfishError {
  const { status } = answer;
  if (status >= 200 && status < 300) {
    const text = 'the BMC’s answer is no Redfish resource: is redfish_address right?';
    return new RedfishError({ code: 'bmc-failed', outcome: 'refused', text, status }, { method, path });
  }
  const more = answer.retryAfter === undefined ? {} : { retryAfter: answer.retryAfter };
  return new RedfishError(faultOfStatus(status, messagesOf(answer), { outcome: 'unsent', ...more }), {
    method,
    path,
  });
}
