import { createWriteStream } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';

/** A route to a host and port outside this process's network: the path of a Unix socket that forwards there. */
export type Route = (host: string, port: number) => Promise<string>;

/** Idle timeout of a server, ms. */
const SILENCE = 60_000;

/**
 * Downloads a URL into a file, as a BMC does with media. Certificates are not checked, as few BMCs check them.
 * @throws Error for any status but 200, or an incomplete body
 */
export async function downloadTo(url: string, path: string, route?: Route): Promise<number> {
  const response = await open(url, route);
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`status ${response.statusCode}`);
  }
  const file = createWriteStream(path);
  await pipeline(response, file);
  const { bytesWritten } = file;
  const length = response.headers['content-length'];
  if (length !== undefined && Number(length) !== bytesWritten)
    throw new Error(`${bytesWritten} bytes instead of ${length}`);
  return bytesWritten;
}

/** Sends a request as the BMC. */
export async function open(
  url: string,
  route?: Route,
  more: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<IncomingMessage> {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') throw new Error(`${protocol}// is not supported`);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const number = Number(port || (protocol === 'http:' ? 80 : 443));
  const options: RequestOptions & { rejectUnauthorized?: boolean } = {
    method: more.method ?? 'GET',
    path: pathname + search,
    headers: { host: port ? `${hostname}:${port}` : hostname, 'user-agent': 'virtual BMC', ...more.headers },
    agent: false,
    timeout: SILENCE,
    rejectUnauthorized: false,
    ...(route ? { socketPath: await route(host, number) } : { host, port: number }),
  };
  return new Promise((resolve, reject) => {
    const request = (protocol === 'http:' ? requestHttp : requestHttps)(options, resolve);
    request.on('timeout', () => request.destroy(new Error('the server is silent')));
    request.on('error', reject);
    request.end(more.body);
  });
}
