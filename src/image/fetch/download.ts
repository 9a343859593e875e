// Downloads one image over HTTP into one file: hashed on the way, resumed after a cut, never longer than announced.
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, FerricError } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import { HttpClient, HttpFailure, type HttpResponse } from '../../platform/http-client.js';
import { writeAll } from './copy-file.js';
import { type Digested, Digester } from './digester.js';
import { checkSize } from './remote.js';
import type { DownloadJob, Progress } from './transfer-job.js';

/** Statuses that a retry may change. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];
/** New bytes that make a connection count as progress. */
const STEP = 1 << 20;
const LONGEST_PAUSE = 10_000;

/**
 * @throws FerricError image-unavailable after the last attempt, image-refused for a body unlike the announced one
 * @throws CancelledError
 */
export async function download(job: DownloadJob, signal: AbortSignal, progress: Progress): Promise<Digested> {
  const client = new HttpClient(job.client);
  const fd = openSync(job.target, 'w', 0o644);
  const deadline = AbortSignal.timeout(job.timeout);
  try {
    const transfer = new Transfer(job, client, fd, AbortSignal.any([signal, deadline]), progress);
    return await transfer.run();
  } catch (error) {
    if (signal.aborted) throw new CancelledError('The download was cancelled.', { cause: error });
    if (deadline.aborted)
      throw new HttpFailure('timeout', job.url, `not complete after ${job.timeout / 1000} s`, {
        cause: error,
      });
    throw error;
  } finally {
    closeSync(fd);
    client.close();
  }
}

class Transfer {
  private digester: Digester;
  private received = 0;
  /** The strong ETag or the Last-Modified of the bytes held: the rest must have the same. */
  private validator: string | undefined;
  /** Bytes of the whole, as announced before or by this response. */
  private size: number | undefined;

  constructor(
    private readonly job: DownloadJob,
    private readonly client: HttpClient,
    private readonly fd: number,
    private readonly signal: AbortSignal,
    private readonly progress: Progress,
  ) {
    this.digester = new Digester(job.algorithms);
    this.size = job.size;
  }

  async run(): Promise<Digested> {
    let best = 0;
    let pause = this.job.pause;
    for (let failures = 0; ; ) {
      try {
        await this.connection();
        return this.digester.finish();
      } catch (error) {
        if (this.signal.aborted || !worthAnotherTry(error)) throw error;
        if (this.received >= best + STEP) {
          failures = 0;
          pause = this.job.pause;
        }
        best = Math.max(best, this.received);
        if (++failures >= this.job.attempts) throw error;
      }
      await sleep(pause, undefined, { signal: this.signal });
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  /** One request: for the whole, or for the rest of a partial download. */
  private async connection(): Promise<void> {
    const { job } = this;
    if (this.validator === undefined) this.restart();
    const range = this.received > 0;
    const headers: Record<string, string> = {};
    if (range) {
      headers['range'] = `bytes=${this.received}-`;
      headers['if-range'] = this.validator!;
    }
    const response = await this.client.request({ method: 'GET', url: job.url, headers, signal: this.signal });
    try {
      this.accept(response, range);
      await this.read(response);
    } finally {
      response.body.destroy();
    }
    if (this.size !== undefined && this.received < this.size)
      throw new HttpFailure(
        'connection',
        job.url,
        `the body ended after ${this.received} of ${this.size} bytes`,
      );
    if (this.received === 0) throw new FerricError('image-refused', 'The image is empty.');
  }

  private accept(response: HttpResponse, range: boolean): void {
    const { status, headers } = response;
    const validator = validatorOf(headers);
    if (range && status === 206) {
      const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(String(headers['content-range'])) ?? [];
      if (
        Number(from) !== this.received ||
        (this.size !== undefined && Number(total) !== this.size) ||
        validator !== this.validator
      ) {
        this.restart();
        throw new StartAgain(this.job.url, 'the server resumed with other bytes than were asked for');
      }
      return;
    }
    if (range && (status === 412 || status === 416)) {
      this.restart();
      throw new StartAgain(this.job.url, `the server cannot resume (status ${status})`);
    }
    if (status !== 200) throw new BadStatus(this.job.url, status);
    this.restart();
    this.validator = validator;
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity')
      throw new FerricError(
        'image-refused',
        `${this.job.url}: the server sends it in another encoding than stored.`,
      );
    const length = headers['content-length'];
    if (length === undefined) return;
    if (this.job.size !== undefined && Number(length) !== this.job.size)
      throw new LengthChanged(this.job.url);
    this.size = Number(length);
    checkSize(this.size, this.job.maxBytes);
  }

  private async read({ body }: HttpResponse): Promise<void> {
    const { job } = this;
    const interval = job.client.idleTimeout;
    let watch: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        let mark = this.received;
        const judge = () => {
          const rate = (this.received - mark) / (interval / 1000);
          mark = this.received;
          if (rate < job.minRate)
            reject(new HttpFailure('timeout', job.url, `sends fewer than ${job.minRate} bytes a second`));
        };
        watch = setInterval(contained('download: rate', judge, reject), interval);
        const take = (chunk: Buffer) => {
          try {
            this.take(chunk);
          } catch (error) {
            body.removeAllListeners('data');
            reject(error);
          }
        };
        body.on('data', contained('download: body', take, reject));
        body.once('end', resolve);
        const broken = (error: Error) => reject(this.client.failureOf(error, job.url, this.signal));
        body.once('error', contained('download: body', broken, reject));
        const cut = () => reject(new HttpFailure('connection', job.url, 'the connection was cut'));
        body.once('close', contained('download: body', cut, reject));
      });
    } finally {
      clearInterval(watch);
    }
  }

  private take(chunk: Buffer): void {
    const { url, maxBytes } = this.job;
    const length = this.received + chunk.length;
    if (this.size !== undefined && length > this.size) throw new LengthChanged(url);
    if (length > maxBytes)
      throw new FerricError('image-refused', `The image has more than ${maxBytes} bytes, the limit.`);
    writeAll(this.fd, chunk, this.received);
    this.digester.update(chunk);
    this.received += chunk.length;
    this.progress(this.received, this.size ?? 0);
  }

  private restart(): void {
    if (this.received > 0) {
      ftruncateSync(this.fd, 0);
      this.digester = new Digester(this.job.algorithms);
    }
    this.received = 0;
    this.validator = undefined;
    this.size = this.job.size;
  }
}

class BadStatus extends HttpFailure {
  constructor(
    url: string,
    readonly status: number,
  ) {
    super('status', url, `answered with status ${status}`);
  }
}

/** A length other than HEAD's: the image was replaced, or the server is wrong; the caller may ask again. */
export class LengthChanged extends FerricError {
  constructor(url: string) {
    super(
      'image-unavailable',
      `${new URL(url).origin}${new URL(url).pathname}: is not as long as the server announced.`,
    );
  }
}

class StartAgain extends HttpFailure {
  constructor(url: string, detail: string) {
    super('connection', url, detail);
  }
}

function worthAnotherTry(error: unknown): boolean {
  if (error instanceof BadStatus) return PASSING.includes(error.status);
  return error instanceof HttpFailure && ['name', 'connection', 'timeout'].includes(error.fault);
}

/** RFC 9110 §13.1.5: If-Range takes a strong validator. */
function validatorOf(headers: HttpResponse['headers']): string | undefined {
  const etag = headers['etag'];
  if (typeof etag === 'string' && etag.startsWith('"')) return etag;
  const modified = headers['last-modified'];
  return typeof modified === 'string' ? modified : undefined;
}
