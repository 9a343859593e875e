import { InvalidError } from '../../domain/errors.js';

const MAX_DEPTH = 25;

/** Refused before any parser saw it: the filter writes it in the middleware's form. */
export class BodyRefused extends InvalidError {}

/**
 * @param bytes what came; empty is no body
 * @returns the JSON value, free of what PostgreSQL cannot keep and of keys that mean a prototype
 * @throws BodyRefused when nested too deeply, InvalidError otherwise
 */
export function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (isTooDeep(bytes)) {
    throw new BodyRefused(
      'Request body JSON is nested too deeply. Please contact the service administrator.',
    );
  }
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (error) {
    // V8 quotes the text around the fault, which may hold a secret.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : 'it is not UTF-8';
    throw new InvalidError(`The request body could not be read: ${reason}.`, { cause: error });
  }
  refuseUnstorable(body, '');
  return body;
}

/** Counts brackets outside strings, byte by byte: a parser would recurse (OSSN-0099). */
function isTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return false;
}

function refuseUnstorable(value: unknown, at: string): void {
  if (typeof value === 'string') refuseText(value, at);
  else if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InvalidError(`${at || 'The body'} holds a number that is out of range.`);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseUnstorable(item, `${at}[${index}]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, below] of Object.entries(value)) {
      if (key === '__proto__')
        throw new InvalidError(`The key "__proto__" is not allowed in ${at || 'the body'}.`);
      refuseText(key, `a key of ${at || 'the body'}`);
      refuseUnstorable(below, at ? `${at}.${key}` : key);
    }
  }
}

/** @throws InvalidError for NUL and lone surrogates, naming where */
export function refuseText(text: string, at: string): void {
  if (text.includes('\0')) throw new InvalidError(`${at || 'The body'} holds a NUL character.`);
  if (!text.isWellFormed()) throw new InvalidError(`${at || 'The body'} holds half of a surrogate pair.`);
}
