import { InvalidError } from '../errors.js';

export interface CallbackRules {
  /** The peer address of the heartbeat, as the socket gives it. */
  source: string;
  requireTls: boolean;
  /** Ports that an agent may name; empty: any. */
  ports: readonly number[];
}

const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/;

/**
 * Checks whether the conductor may connect to a ramdisk's callback URL. Anybody who can send a heartbeat chooses this
 * URL, so it must name the sender's own address.
 * @returns the normalized URL
 * @throws InvalidError that says which rule is broken
 */
export function checkCallbackUrl(text: string, rules: CallbackRules): string {
  const refuse = (reason: string) =>
    new InvalidError(`An issue with the supplied "callback_url" has been detected: ${reason}.`);
  if (text.length > 255) throw refuse('it is longer than 255 characters');
  if (!URL.canParse(text)) throw refuse('it is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('it is neither https nor http');
  if (url.protocol === 'http:' && rules.requireTls) throw refuse('TLS is required, but it is not https');
  if (url.username || url.password || text.includes('@')) throw refuse('it carries a user name');
  if (url.pathname !== '/' || /[?#]/.test(text)) throw refuse('it carries a path, a query or a fragment');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  if (rules.ports.length > 0 && !rules.ports.includes(port)) throw refuse(`port ${port} is not allowed`);
  const host = canonicalAddress(url.hostname);
  const source = canonicalAddress(rules.source);
  if (host === null || host !== source)
    throw refuse('its host is not the address that the request came from');
  if (LINK_LOCAL.test(host)) throw refuse('its host is a link-local address');
  return `${url.protocol}//${url.host}`;
}

/**
 * An IP address in one spelling: IPv4 dotted, IPv6 compressed, an IPv4-mapped IPv6 address as IPv4, no zone.
 * @param text with or without brackets
 * @returns null for anything else, including host names
 */
export function canonicalAddress(text: string): string | null {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (!bare.includes(':')) return /^\d{1,3}(\.\d{1,3}){3}$/.test(bare) ? hostOf(bare) : null;
  const host = hostOf(`[${bare}]`)?.slice(1, -1) ?? null;
  const mapped = host?.match(/^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/);
  if (!mapped) return host;
  const bits = (Number.parseInt(mapped[1]!, 16) << 16) | Number.parseInt(mapped[2]!, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

function hostOf(authority: string): string | null {
  return URL.canParse(`http://${authority}/`) ? new URL(`http://${authority}/`).hostname : null;
}
