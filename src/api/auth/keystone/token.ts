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

/** What Keystone says of a token. */
export interface TokenFacts {
  readonly user: string;
  readonly project: { readonly id: string; readonly name: string } | null;
  readonly system: boolean;
  readonly roles: readonly string[];
  /** ms that it still lived when Keystone answered. */
  readonly lifetime: number;
}

/**
 * @param text body of an answer
 * @param date its Date header: the end is told on Keystone's clock, and not ours
 * @param localNow ms of the wall clock, where it has none
 * @returns null for what is no token's description
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
