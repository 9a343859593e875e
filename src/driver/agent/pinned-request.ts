import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { CancelledError, FerricError, messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';

export interface PinnedRequest {
  method: 'GET' | 'POST';
  url: URL;
  /** PEM of the only certificate accepted; null: any certificate that the system's authorities signed. */
  certificate: string | null;
  /** JSON text. */
  body?: string;
  /** ms for the whole request. */
  timeout: number;
  /** Bytes of the answer's body. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface PinnedResponse {
  status: number;
  text: string;
}

/** ms for connection and TLS handshake: a machine that is off does not answer at all. */
const CONNECT_TIMEOUT = 10_000;

/** Shared by all connections: only the compared certificate differs, and a context costs 0.1 ms and native memory. */
const CONTEXT = tls.createSecureContext({ minVersion: 'TLSv1.2', ca: [] });

/** No connection was made, so nothing was sent. */
export class NotConnected extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('agent-unreachable', message, options);
  }
}

/**
 * One exchange over a connection of its own: no redirects, no proxies, no reused session. The certificate is compared
 * byte by byte before the request, which carries the agent's token, is written. The agent made the certificate itself,
 * so an authority or a clock proves nothing about it.
 * @throws NotConnected, FerricError agent-unreachable (it may have been received), agent-failed (wrong certificate,
 *   answer too large)
 * @throws CancelledError when the signal fires
 */
export async function pinnedRequest(request: PinnedRequest): Promise<PinnedResponse> {
  const { url, signal } = request;
  const where = `the agent at ${url.origin}`;
  const deadline = AbortSignal.timeout(request.timeout);
  const both = AbortSignal.any([signal, deadline]);
  let connected = false;
  const options: https.RequestOptions = {
    method: request.method,
    signal: both,
    headers: {
      accept: 'application/json',
      connection: 'close',
      ...(request.body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(request.body) }),
    },
    ...(url.protocol === 'https:' && request.certificate !== null
      ? { createConnection: pinnedConnection(url, certificateOf(request.certificate)) }
      : { agent: false }),
  };
  try {
    return await new Promise<PinnedResponse>((resolve, reject) => {
      const sent = (url.protocol === 'https:' ? https : http).request(
        url,
        options,
        contained(
          'agent: answer',
          (response) => {
            readText(response, request.maxBytes, where).then(
              (text) => resolve({ status: response.statusCode ?? 0, text }),
              reject,
            );
          },
          reject,
        ),
      );
      const late = () => sent.destroy(new NotConnected(`Failed to connect to ${where}: no answer.`));
      const hurry = setTimeout(
        contained('agent: connection', late, late),
        Math.min(CONNECT_TIMEOUT, request.timeout),
      );
      const followed = contained(
        'agent: connection',
        (socket: Duplex) => {
          socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
            connected = true;
            clearTimeout(hurry);
          });
        },
        reject,
      );
      sent.once('socket', followed);
      sent.once('error', reject);
      sent.once('close', () => clearTimeout(hurry));
      sent.end(request.body);
    });
  } catch (error) {
    if (error instanceof FerricError) throw error;
    if (signal.aborted) throw new CancelledError(undefined, { cause: error });
    const why = deadline.aborted ? `no answer within ${request.timeout / 1000} s` : reasonOf(error);
    const message = `Failed to connect to ${where}: ${why}.`;
    if (!connected) throw new NotConnected(message, { cause: error });
    throw new FerricError('agent-unreachable', message, { cause: error });
  }
}

function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new FerricError('agent-failed', 'The certificate that the agent reported is none.', {
      cause: error,
    });
  }
}

function pinnedConnection(url: URL, pinned: X509Certificate): () => Duplex {
  return () => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const socket = tls.connect({
      host,
      port: Number(url.port || 443),
      secureContext: CONTEXT,
      // The exact certificate counts, not a signature, whatever the machine's clock makes of its dates.
      rejectUnauthorized: false,
    });
    // Runs before any byte of the request is sent: data written in the meantime is flushed after this handler.
    const judge = () => {
      const shown = socket.getPeerX509Certificate();
      if (!shown?.raw.equals(pinned.raw)) {
        socket.destroy(
          new FerricError(
            'agent-failed',
            `The agent at ${url.origin} shows another certificate than it reported.`,
          ),
        );
      }
    };
    const judged = contained('agent: certificate', judge, () => socket.destroy());
    socket.prependOnceListener('secureConnect', judged);
    return socket;
  };
}

async function readText(response: http.IncomingMessage, maxBytes: number, where: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      response.destroy();
      throw new FerricError('agent-failed', `The answer of ${where} is larger than ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The error code or message; never the URL, whose query holds the token. */
function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code ?? messageOf(error).replaceAll(/agent_token=\S+/g, 'agent_token=***');
}
