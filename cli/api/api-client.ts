import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import got, { HTTPError } from 'got';
import { messageOf } from '../../src/domain/errors.js';
import { ApiError } from '../exit-status.js';
import type { Shell } from '../shell.js';
import type { Login } from './login.js';
import { withRetries } from './retry.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Time limit of a request, and idle timeout of an upload, ms. */
const TIMEOUT = 60_000;

/**
 * HTTP client of one endpoint: JSON requests and file uploads. Every error is an ApiError with the service's message.
 */
export class ApiClient {
  constructor(
    private readonly login: Login,
    private readonly shell: Shell,
  ) {}

  json<T>(method: Method, path: string, body?: unknown): Promise<T> {
    return withRetries(this.shell, method === 'GET', () => this.ask<T>(method, path, body));
  }

  private async ask<T>(method: Method, path: string, body: unknown): Promise<T> {
    const url = this.login.endpoint + path;
    try {
      const answer = await got(url, {
        method,
        headers: this.headers(path),
        ...(body === undefined ? {} : { json: body }),
        retry: { limit: 0 },
        timeout: { request: TIMEOUT },
        // DELETE cleans up after an aborted command, so the abort does not apply to it.
        ...(method === 'DELETE' ? {} : { signal: this.shell.signal }),
      });
      return (answer.body === '' ? undefined : JSON.parse(answer.body)) as T;
    } catch (error) {
      throw asApiError(error, method, url);
    }
  }

  /**
   * @param sent is called with the number of bytes sent so far
   * @returns the checksum of the bytes sent
   */
  upload(
    path: string,
    file: string,
    sent: (bytes: number) => void = () => undefined,
  ): Promise<{ md5: string }> {
    return withRetries(this.shell, false, () => this.send(path, file, sent));
  }

  private async send(path: string, file: string, sent: (bytes: number) => void): Promise<{ md5: string }> {
    const url = this.login.endpoint + path;
    const { size } = await stat(file);
    let count = 0;
    const md5 = createHash('md5'); // the Image API's checksum
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        count += chunk.length;
        md5.update(chunk);
        sent(count);
        done(null, chunk);
      },
    });
    const request = got.stream.put(url, {
      headers: {
        ...this.headers(path),
        'content-type': 'application/octet-stream',
        'content-length': String(size),
      },
      retry: { limit: 0 },
      timeout: { socket: TIMEOUT },
    });
    try {
      await pipeline(
        createReadStream(file, { highWaterMark: 1024 * 1024 }),
        counter,
        request,
        async (answer: AsyncIterable<Buffer>) => {
          for await (const _ of answer);
        },
        { signal: this.shell.signal },
      );
    } catch (error) {
      throw asApiError(error, 'PUT', url);
    }
    return { md5: md5.digest('hex') };
  }

  private headers(path: string): Record<string, string> {
    // The Bare Metal API alone has microversions; `latest` asks for the newest that the service knows.
    const version: Record<string, string> = path.startsWith('/v1')
      ? { 'x-openstack-ironic-api-version': 'latest' }
      : {};
    return { accept: 'application/json', ...version, ...this.login.headers };
  }
}

function asApiError(error: unknown, method: string, url: string): ApiError {
  if (error instanceof HTTPError) {
    const { statusCode, body } = error.response;
    const said = wordsOf(body);
    return new ApiError(`${method} ${url}: ${statusCode}${said === '' ? '' : ` ${said}`}`, statusCode, {
      cause: error,
    });
  }
  return new ApiError(`${method} ${url}: ${messageOf(error)}`, undefined, { cause: error });
}

/** Error message of a body: the Bare Metal API sends JSON, often as a text inside JSON, the Image API HTML. */
function wordsOf(body: unknown): string {
  const text = typeof body === 'string' ? body : Buffer.isBuffer(body) ? body.toString('utf8') : '';
  const told = messageIn(text) ?? text.replace(/<title>[^<]*<\/title>/g, ' ').replace(/<[^>]*>/g, ' ');
  return told.replace(/\s+/g, ' ').trim().slice(0, 2_000);
}

/** `faultstring` of the API itself, `description` of Ironic's middleware; each may stand in a text of `error_message`. */
function messageIn(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller shows the text
  }
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const { error_message, faultstring, description } = value as Record<string, unknown>;
  if (typeof error_message === 'string') return messageIn(error_message) ?? error_message;
  if (error_message !== undefined) return messageIn(JSON.stringify(error_message));
  const told = faultstring ?? description;
  return typeof told === 'string' ? told : undefined;
}
