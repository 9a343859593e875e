import { LoginRefused } from '../access.js';

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Parses an Authorization header (RFC 7617); errors have Ironic's texts.
 * @throws LoginRefused invalid
 */
export function parseBasic(authorization: string): { user: string; password: string } {
  const [, type, token] = /^\s*(\S+)\s+(\S.*)$/.exec(authorization) ?? [];
  if (type === undefined || token === undefined) throw refused('Could not parse Authorization header');
  if (type.toLowerCase() !== 'basic') {
    throw refused(`Unsupported authorization type "${type.slice(0, 40)}"`);
  }
  const pair = decode(token.trim());
  const colon = pair?.indexOf(':') ?? -1;
  if (pair === null || colon < 0) throw refused('Could not decode authorization token');
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function decode(token: string): string | null {
  if (!BASE64.test(token) || token.length % 4 !== 0) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(token, 'base64'));
  } catch {
    return null;
  }
}

const refused = (message: string) => new LoginRefused(message, null);
