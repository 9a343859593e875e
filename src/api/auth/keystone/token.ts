import { z } from 'zod';

// https://docs.openstack.org/api-ref/identity/v3/#validate-and-show-information-for-token
const answer = z.object({
  token: z.object({
    expires_at: z.iso.datetime({ offset: true }),
    user: z.object({ id: z.string(), name: z.string() }),
    project: z.object({ id: z.string(), name: z.string() }).nullish(),
    system: z.object({ all: z.boolean().nullish() }).nullish(),
    roles: z.array(z.object({ name: z.string() })).nullish(),
  }),
});

/** Keystone's facts about a token. */
export interface TokenFacts {
  readonly user: string;
  readonly project: { readonly id: string; readonly name: string } | null;
  readonly system: boolean;
  readonly roles: readonly string[];
  /** Remaining lifetime in ms when Keystone answered. */
  readonly lifetime: number;
}

/**
 * @param text body of an answer
 * @param date its Date header: the expiry is on Keystone's clock, not ours
 * @param localNow ms of the wall clock, for an answer without Date
 * @returns null for a body that does not describe a token
 */
export function readToken(text: string, date: string | undefined, localNow: number): TokenFacts | null {
  const parsed = answer.safeParse(jsonOf(text));
  if (!parsed.success) return null;
  const { expires_at, user, project, system, roles } = parsed.data.token;
  const said = date === undefined ? Number.NaN : Date.parse(date);
  return {
    user: user.id,
    project: project ?? null,
    system: system?.all === true,
    roles: (roles ?? []).map(({ name }) => name.toLowerCase()),
    lifetime: Date.parse(expires_at) - (Number.isNaN(said) ? localNow : said),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
