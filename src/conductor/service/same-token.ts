import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares a given secret with the known one in constant time. */
export function sameToken(known: unknown, given: string | null | undefined): boolean {
  if (typeof known !== 'string' || !given) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(known), digest(given));
}
