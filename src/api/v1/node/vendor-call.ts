import type { VendorAnswer } from '../../../conductor/service/vendor-service.js';
import { InvalidError } from '../../../domain/errors.js';
import type { JsonObject } from '../../../domain/json.js';
import { ANYTHING, OBJECT } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import type { ParameterTable } from '../../request/query.js';
import { text } from '../../request/value.js';
import { objectBody } from '../../resource/write.js';

export const NAMED = {
  method: { read: text, about: 'Name of the method' },
} as const satisfies ParameterTable;
/** Any arguments and any result, as the method has them. */
export const VENDOR_BODY = { schema: OBJECT, optional: true } as const;
export const VENDOR_ANSWER = { schema: ANYTHING } as const;

/** The vendor method that a request names, and its arguments. @throws InvalidError */
export function vendorCall({ params, query, body }: ApiRequest): { method: string; given: JsonObject } {
  const named = params['method'] ?? query['method'];
  if (named === undefined) throw new InvalidError('Missing mandatory parameter: method');
  if (typeof named !== 'string' || named === '') throw new InvalidError('Method not specified');
  return { method: named, given: objectBody('data', body ?? {}) as JsonObject };
}

/** 202 without a body for an asynchronous method, else the result: JSON, or the raw text where the method says so. */
export function answerVendor(reply: ApiReply, { async, attach, result }: VendorAnswer): string | undefined {
  if (async) {
    reply.code(202);
    return undefined;
  }
  reply.code(200).header('content-type', attach ? 'application/octet-stream' : 'application/json');
  return attach && typeof result === 'string' ? result : JSON.stringify(result);
}
