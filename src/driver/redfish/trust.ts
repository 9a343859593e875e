import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import type { RedfishTarget, TlsVersion } from './target.js';

export interface TrustSettings {
  /** redfish.verify_ca */
  verify_ca: string | null;
  tls_minimum_version: TlsVersion;
  tls_ciphers: string | null;
}

/** The BMC's certificate is not trusted; the text names the remedy. */
export class UntrustedError extends Error {
  override readonly name = 'UntrustedError';
}

/** How a BMC's certificate is verified, as data: equal values share their agents. */
interface Judgement {
  readonly by: 'authorities' | 'pin' | 'nothing';
  readonly file: string | null;
  readonly fingerprint: string | null;
  readonly minVersion: TlsVersion;
  readonly ciphers: string | null;
}

export interface Agents {
  /** Connections kept open for a short time, for consecutive requests that only read. */
  readonly kept: https.Agent;
  /** A connection for each request; TLS sessions are resumed. */
  readonly single: https.Agent;
}

/** ms that a connection is kept open without a request. */
const IDLE = 3_000;
/** TLS sessions kept: a full handshake takes a BMC's processor a second or two. */
const SESSIONS = 10_000;
/** ms after which a file of authorities is read again. */
const FILE_AGE = 60_000;
const MOST_JUDGEMENTS = 1_000;

/** Agents by their trust settings. */
export class TrustStore {
  private readonly agents = new Map<string, { agents: Agents; made: number; file: string | null }>();

  constructor(private readonly settings: TrustSettings) {}

  /** @throws UntrustedError if no certificate is pinned yet or a file of authorities cannot be read */
  agentsFor(target: RedfishTarget): Agents {
    const judgement = this.judgementOf(target);
    if (judgement.by === 'pin' && judgement.fingerprint === null) {
      throw new UntrustedError(
        'no certificate is pinned yet: redfish_pin_certificate is true, and the first one is pinned when the node is verified (manage)',
      );
    }
    const key = JSON.stringify(judgement);
    const known = this.agents.get(key);
    const now = performance.now();
    if (known && (known.file === null || now - known.made < FILE_AGE)) return known.agents;
    const options = optionsOf(judgement);
    const agents: Agents = {
      kept: new JudgingAgent({ ...options, keepAlive: true, maxFreeSockets: 1, timeout: IDLE }, judgement),
      single: new JudgingAgent({ ...options, keepAlive: false, maxCachedSessions: SESSIONS }, judgement),
    };
    known?.agents.kept.destroy();
    this.agents.set(key, { agents, made: now, file: judgement.file });
    if (this.agents.size > MOST_JUDGEMENTS) this.forgetOldest();
    return agents;
  }

  /** Fingerprint of the BMC's certificate; no request is sent. @throws errors of the connection */
  async fingerprintOf(target: RedfishTarget, timeout: number, signal: AbortSignal): Promise<string> {
    const { by: _, fingerprint: __, ...rest } = this.judgementOf(target);
    const judgement: Judgement = { ...rest, by: 'nothing', fingerprint: null };
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        host: target.address,
        port: target.port,
        ...servername(target.address),
        ...optionsOf(judgement),
        rejectUnauthorized: false,
        timeout,
      });
      const failed = (error: unknown) => {
        socket.destroy();
        reject(error as Error);
      };
      const settle = (error?: Error) => {
        signal.removeEventListener('abort', abort);
        const shown = socket.getPeerX509Certificate();
        socket.destroy();
        if (error) reject(error);
        else if (shown) resolve(plainDigits(shown.fingerprint256));
        else reject(new UntrustedError('the BMC shows no certificate'));
      };
      const abort = contained('redfish: certificate', () => settle(new Error('it was cancelled')), failed);
      signal.addEventListener('abort', abort, { once: true });
      socket.once(
        'secureConnect',
        contained('redfish: certificate', () => settle(), failed),
      );
      socket.once(
        'timeout',
        contained('redfish: certificate', () => settle(new Error('no answer')), failed),
      );
      socket.once('error', contained('redfish: certificate', settle, failed));
    });
  }

  close(): void {
    for (const { agents } of this.agents.values()) {
      agents.kept.destroy();
      agents.single.destroy();
    }
    this.agents.clear();
  }

  private judgementOf({ trust, minVersion, ciphers }: RedfishTarget): Judgement {
    return {
      by: trust.by,
      file: trust.by === 'authorities' ? (trust.file ?? this.settings.verify_ca) : null,
      fingerprint: trust.by === 'pin' ? trust.fingerprint : null,
      minVersion: minVersion ?? this.settings.tls_minimum_version,
      ciphers: ciphers ?? this.settings.tls_ciphers,
    };
  }

  private forgetOldest(): void {
    for (const [key, { agents }] of this.agents) {
      agents.kept.destroy();
      this.agents.delete(key);
      return;
    }
  }
}

function optionsOf({ by, file, minVersion, ciphers }: Judgement): { secureContext: tls.SecureContext } {
  const authorities = by !== 'authorities' ? [] : file === null ? SYSTEM() : [readAuthorities(file)];
  // OpenSSL accepts TLS 1.1 only at its lowest security level.
  const list = ciphers ?? (minVersion === '1.1' ? 'DEFAULT:@SECLEVEL=0' : undefined);
  try {
    return {
      secureContext: tls.createSecureContext({
        ca: authorities,
        minVersion: `TLSv${minVersion}`,
        ...(list === undefined ? {} : { ciphers: list }),
      }),
    };
  } catch (error) {
    throw new UntrustedError(`its TLS cannot be set up: ${messageOf(error)}`, { cause: error });
  }
}

/** Node.js's authorities and the system's. */
const SYSTEM = () => [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];

function readAuthorities(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'failed';
    throw new UntrustedError(`redfish_verify_ca: ${file} cannot be read (${code})`, { cause: error });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new UntrustedError(`redfish_verify_ca: ${file} holds no certificate in PEM`);
}

/**
 * Verifies the certificate before a byte of the request, which carries the login, is sent: data written in the meantime
 * is flushed after this handler.
 */
class JudgingAgent extends https.Agent {
  constructor(
    options: https.AgentOptions & { secureContext: tls.SecureContext },
    private readonly judgement: Judgement,
  ) {
    super(options);
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const connection = super.createConnection({ ...options, rejectUnauthorized: false }, callback);
    const socket = connection as tls.TLSSocket;
    const judge = () => {
      const refusal = this.refusal(socket);
      if (refusal) socket.destroy(refusal);
    };
    socket.prependOnceListener(
      'secureConnect',
      contained('redfish: certificate', judge, () => socket.destroy()),
    );
    return connection;
  }

  private refusal(socket: tls.TLSSocket): UntrustedError | undefined {
    const { by, fingerprint } = this.judgement;
    if (by === 'nothing') return undefined;
    // A resumed session belongs to a verified connection: the agent forgets a session whose connection ended in an
    // error, and the peer proves that it holds the session's key. The certificate is not presented again.
    if (by === 'pin' && socket.isSessionReused()) return undefined;
    const shown = plainDigits(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
    if (by === 'pin') {
      if (shown === fingerprint) return undefined;
      return new UntrustedError(
        `it shows another certificate than the pinned one: SHA-256 ${shown}. Where that is right, set driver_info redfish_pin_certificate to it`,
      );
    }
    if (socket.authorized) return undefined;
    const why = String(socket.authorizationError);
    return new UntrustedError(
      `its certificate is not trusted (${why}). Set driver_info redfish_verify_ca to a file with its authority, or redfish_pin_certificate to its SHA-256 fingerprint, which is ${shown} if nobody stands between`,
    );
  }
}

function plainDigits(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

/** TLS server names are no IP addresses (RFC 6066 §3). */
function servername(host: string): { servername?: string } {
  return /^[0-9.]+$|:/.test(host) ? {} : { servername: host };
}
