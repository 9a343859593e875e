import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { DatabaseAwayError, FerricError } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import { LoginRefused, LoginUnavailable } from '../auth/access.js';
import { Microversion, VersionRefused } from '../microversion/microversion.js';
import type { ApiReply, ApiRequest } from '../request/asked.js';
import { BodyRefused } from '../request/body.js';
import { MediaTypeRefused } from '../request/bytes.js';
import { isOfImages, shownPath } from '../request/path.js';
import { isClientGone } from './client-gone.js';
import { imageFault } from './image-fault.js';
import { PathRefused } from './path-refused.js';
import type { RouteTable } from './route-table.js';
import { STATUS } from './status.js';
import { TooManyRequests } from './too-many-requests.js';

interface Failure {
  status: number;
  message: string;
  /** The form of the body, one of the API's. */
  form: 'fault' | 'router' | 'bare' | 'login';
  title?: string;
  challenge?: string;
  retryAfter?: number;
}

const TOO_LARGE = 'Request body is too large. Please contact the service administrator.';

/** Writes every failure in the API's form: a JSON text inside a JSON text. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  readonly #throttled: ThrottledLog;

  /**
   * @param retryAfter whether answers carry Retry-After. Not for operators: their ironicclient ends in a TypeError on
   *   one, in place of its own retry (ironicclient/common/apiclient/exceptions.py, from_response)
   */
  constructor(
    private readonly routes: RouteTable,
    private readonly log: Logger,
    private readonly retryAfter: boolean,
  ) {
    this.#throttled = new ThrottledLog(log);
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<ApiRequest>();
    const reply = http.getResponse<ApiReply & { send(body: string): void; sent: boolean }>();
    if (reply.sent) return;
    if (isClientGone(error, request.raw)) {
      this.#throttled.info({ method: request.method, path: shownPath(request.url) }, 'a client hung up');
      reply.code(400);
      reply.send('');
      return;
    }
    const failure = this.#failureOf(error, request);
    if (failure.status >= 500) {
      const level = failure.status === 500 ? 'error' : 'warn';
      this.log[level](
        { method: request.method, path: shownPath(request.url), error: describe(error) },
        'a request failed',
      );
    }
    if (this.retryAfter && failure.retryAfter !== undefined)
      reply.header('retry-after', String(failure.retryAfter));
    if (failure.challenge !== undefined) reply.header('www-authenticate', failure.challenge);
    if (failure.status === 405) reply.header('allow', this.routes.methodsOf(request.url).join(', '));
    if (isOfImages(request.url)) {
      const words = imageFault(failure.status, failure.message, request.raw.headers.accept);
      reply.code(failure.status).header('content-type', words.type);
      reply.send(words.body);
      return;
    }
    reply.code(failure.status).header('content-type', 'application/json');
    reply.send(bodyOf(failure));
  }

  #failureOf(error: unknown, request: ApiRequest): Failure {
    if (error instanceof VersionRefused) {
      // In Ironic a controller checks this path, behind the router.
      const form = request.url.split('?', 1)[0] === '/v1' ? 'fault' : 'router';
      return { status: 406, message: error.message, form };
    }
    if (error instanceof PathRefused) return { status: 400, message: error.message, form: 'router' };
    if (error instanceof BodyRefused) return { status: 400, message: error.message, form: 'bare' };
    if (error instanceof LoginRefused) {
      const { message, challenge, title } = error;
      return {
        status: STATUS[error.code],
        message,
        form: 'login',
        ...(challenge === null ? {} : { challenge }),
        ...(title === undefined ? {} : { title }),
      };
    }
    if (error instanceof MediaTypeRefused) return { status: 415, message: error.message, form: 'fault' };
    if (error instanceof TooManyRequests || error instanceof LoginUnavailable) {
      const { code, message, retryAfter } = error;
      return { status: STATUS[code], message, form: 'fault', retryAfter };
    }
    if (error instanceof DatabaseAwayError) {
      return { status: STATUS[error.code], message: error.message, form: 'fault', retryAfter: 2 };
    }
    if (error instanceof FerricError) {
      const message = error.code === 'internal' ? 'Internal error.' : error.message;
      return { status: STATUS[error.code], message, form: 'fault' };
    }
    const { statusCode } = (error ?? {}) as { statusCode?: number };
    const status = error instanceof HttpException ? error.getStatus() : statusCode;
    if (status === 404 && this.#hasOtherMethods(request)) return { status: 405, message: '', form: 'router' };
    if (status === 405) return { status, message: '', form: 'router' };
    if (status === 404) return { status, message: '', form: 'router' };
    if (status === 413) return { status, message: TOO_LARGE, form: 'bare' };
    if (status !== undefined && status >= 400 && status < 500) {
      return { status, message: 'The request could not be read.', form: 'fault' };
    }
    return { status: 500, message: 'Internal error.', form: 'fault' };
  }

  /** Whether 405 applies. A route of the same method that answered 404 is newer than the request's version. */
  #hasOtherMethods(request: ApiRequest): boolean {
    const methods = this.routes.methodsOf(request.url);
    if (methods.length === 0 || methods.includes(request.method)) return false;
    // A request refused before version negotiation has no version.
    return this.routes.isThere(request.url, request.asked?.version ?? Microversion.oldest);
  }
}

function describe(error: unknown): { name: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { name: 'unknown', message: String(error) };
  const { name, message, stack } = error;
  return stack === undefined ? { name, message } : { name, message, stack };
}

function bodyOf({ status, message, form, title }: Failure): string {
  if (form === 'login') {
    return JSON.stringify({ error: { message, code: status, ...(title === undefined ? {} : { title }) } });
  }
  const faultcode = status < 500 ? 'Client' : 'Server';
  if (form === 'bare') return JSON.stringify({ faultcode, faultstring: message });
  const inner =
    form === 'router'
      ? { code: status, title: STATUS_CODES[status] ?? '', description: message }
      : { faultcode, faultstring: message, debuginfo: null };
  // Old clients print the text as it is: it has Python's spaces.
  const text = JSON.stringify(inner, null, 1)
    .replaceAll(/\n */g, ' ')
    .replaceAll(/^\{ | \}$/g, (end) => end.trim());
  return JSON.stringify({ error_message: text });
}
