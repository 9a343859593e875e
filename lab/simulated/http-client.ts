import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface RequestOptions {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  /** Source address of the connection. */
  localAddress?: string;
  signal?: AbortSignal;
  /** Idle timeout, ms. Default 60 000. */
  timeout?: number;
}

/** Resolves with the response once its headers have arrived. @throws on a broken connection or an idle timeout */
export function open(url: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const { method = 'GET', headers, body, localAddress, signal, timeout = 60_000 } = options;
  const secure = url.startsWith('https:');
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(url, {
      method,
      agent: false,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(signal === undefined ? {} : { signal }),
      ...(secure ? { rejectUnauthorized: false } : {}), // the API's certificate may be a lab's, too
      timeout,
    });
    request.on('timeout', () => request.destroy(new Error(`${url}: silent for ${timeout / 1000} s`)));
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });
}

/** @throws on a status other than 200 */
export async function fetchText(url: string, options: RequestOptions = {}): Promise<string> {
  const { status, body } = await exchange(url, options);
  if (status !== 200) throw new Error(`${url}: HTTP ${status}`);
  return body;
}

export async function exchange(
  url: string,
  options: RequestOptions = {},
): Promise<{ status: number; body: string }> {
  const response = await open(url, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

/** Reads the body and discards it. @returns its bytes @throws when it is incomplete, or the status is not 200 */
export async function drain(url: string, options: RequestOptions = {}): Promise<number> {
  const response = await open(url, options);
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`${url}: HTTP ${response.statusCode}`);
  }
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  return bytes;
}
