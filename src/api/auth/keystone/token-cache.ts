import { createHmac, randomBytes } from 'node:crypto';
import { LoginUnavailable } from '../access.js';
import type { TokenFacts } from './token.js';

const MOST_KEPT = 10_000;
const MOST_UNDER_WAY = 500;

type Kept = { facts: TokenFacts | null; until: number };

/**
 * What is known of tokens, for a time. One validation is under way for each token, however many requests wait for it.
 * Refused tokens are kept apart, so that guesses push no valid one out.
 */
export class TokenCache {
  /** Nothing in memory is as good as a token. */
  readonly #salt = randomBytes(32);
  readonly #valid = new Map<string, Kept>();
  readonly #refused = new Map<string, Kept>();
  readonly #underWay = new Map<string, Promise<TokenFacts | null>>();

  /**
   * @param validate null for a token that is not valid
   * @param seconds for valid tokens, at most; for refused ones
   * @param now ms on a clock that never goes back
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
    // Reckoned from before the question: what Keystone said was true at some time since.
    if (facts) keep(this.#valid, key, facts, before + Math.min(facts.lifetime, this.seconds.valid * 1000));
    else keep(this.#refused, key, null, before + this.seconds.refused * 1000);
    return facts;
  }
}

function keep(map: Map<string, Kept>, key: string, facts: TokenFacts | null, until: number): void {
  map.set(key, { facts, until });
  if (map.size > MOST_KEPT) map.delete(map.keys().next().value!);
}
