import { createHmac, randomBytes } from 'node:crypto';
import { LoginUnavailable } from '../access.js';
import type { TokenFacts } from './token.js';

const MOST_KEPT = 10_000;
const MOST_UNDER_WAY = 500;

type Kept = { facts: TokenFacts | null; until: number };

/**
 * Results of token validation, kept for a time. Concurrent requests share one validation of a token. Refused tokens
 * have a map of their own, so that guesses evict no valid one.
 */
export class TokenCache {
  /** With the keys salted, memory holds nothing usable as a token. */
  readonly #salt = randomBytes(32);
  readonly #valid = new Map<string, Kept>();
  readonly #refused = new Map<string, Kept>();
  readonly #underWay = new Map<string, Promise<TokenFacts | null>>();

  /**
   * @param validate null for an invalid token
   * @param seconds maximum for valid tokens; duration for refused ones
   * @param now ms on a monotonic clock
   */
  constructor(
    private readonly validate: (token: string) => Promise<TokenFacts | null>,
    private readonly seconds: { valid: number; refused: number },
    private readonly now: () => number,
  ) {}

  async get(token: string): Promise<TokenFacts | null> {
    const key = createHmac('sha256', this.#salt).update(token).digest('base64');
    const kept = this.#valid.get(key) ?? this.#refused.get(key);
    if (kept && kept.until > this.now()) return kept.facts;
    const same = this.#underWay.get(key);
    if (same) return same;
    if (this.#underWay.size >= MOST_UNDER_WAY) throw new LoginUnavailable('Too many logins at once.', 1);
    const asked = this.#ask(key, token).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    return asked;
  }

  async #ask(key: string, token: string): Promise<TokenFacts | null> {
    const before = this.now();
    this.#valid.delete(key);
    this.#refused.delete(key);
    const facts = await this.validate(token);
    // Counted from before the request: Keystone's answer was true at some time since then.
    if (facts) keep(this.#valid, key, facts, before + Math.min(facts.lifetime, this.seconds.valid * 1000));
    else keep(this.#refused, key, null, before + this.seconds.refused * 1000);
    return facts;
  }
}

function keep(map: Map<string, Kept>, key: string, facts: TokenFacts | null, until: number): void {
  map.set(key, { facts, until });
  if (map.size > MOST_KEPT) map.delete(map.keys().next().value!);
}
