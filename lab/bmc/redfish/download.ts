import { createWriteStream } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';

/** A way to a host and port, where that is not this process's own: a Unix socket that leads there. */
export type Route = (host: string, port: number) => Promise<string>;

/** ms of silence after which a server is given up. */
const SILENCE = 60_000;

/**
 * Fetches a URL into a file, as a BMC does that uploads media to itself. Certificates are not checked, as few BMCs do.
 * @throws Error for any status but 200, or a body that breaks off
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

/** As a request of the BMC's own. */
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
