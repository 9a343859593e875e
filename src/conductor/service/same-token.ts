import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether a stranger gave the secret that is known; takes as long for a near miss as for a far one. */
export function sameToken(known: unknown, given: string | null | undefined): boolean {
  if (typeof known !== 'string' || !given) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(known), digest(given));
}
