import { describe, expect, it } from 'vitest';
import type { TokenFacts } from '../../../../../src/api/auth/keystone/token.js';
import { TokenCache } from '../../../../../src/api/auth/keystone/token-cache.js';

const facts = (lifetime: number): TokenFacts => ({
  user: 'u',
  project: null,
  system: true,
  roles: [],
  lifetime,
});

function cache(validate: (token: string) => TokenFacts | null | Promise<TokenFacts | null>) {
  const state = { now: 0, asked: [] as string[] };
  const tokens = new TokenCache(
    async (token) => {
      state.asked.push(token);
      return validate(token);
    },
    { valid: 300, refused: 10 },
    () => state.now,
  );
  return { state, tokens };
}

describe('the cache of tokens', () => {
  it('asks once until the time is over', async () => {
    const { state, tokens } = cache(() => facts(3_600_000));
    await tokens.get('a');
    state.now = 299_999;
    expect(await tokens.get('a')).toEqual(facts(3_600_000));
    expect(state.asked).toEqual(['a']);
    state.now = 300_000;
    await tokens.get('a');
    expect(state.asked).toEqual(['a', 'a']);
  });

  it('never goes beyond the token’s own end', async () => {
    const { state, tokens } = cache(() => facts(5_000));
    await tokens.get('a');
    state.now = 4_999;
    await tokens.get('a');
    expect(state.asked).toHaveLength(1);
    state.now = 5_000;
    await tokens.get('a');
    expect(state.asked).toHaveLength(2);
  });

  it('remembers a refused token for a short time', async () => {
    const { state, tokens } = cache(() => null);
    expect(await tokens.get('a')).toBeNull();
    state.now = 9_999;
    expect(await tokens.get('a')).toBeNull();
    expect(state.asked).toHaveLength(1);
    state.now = 10_000;
    await tokens.get('a');
    expect(state.asked).toHaveLength(2);
  });

  it('has one validation under way for each token', async () => {
    const answer = Promise.withResolvers<TokenFacts | null>();
    const { state, tokens } = cache(() => answer.promise);
    const all = Array.from({ length: 50 }, () => tokens.get('a'));
    const other = tokens.get('b');
    answer.resolve(facts(1000));
    expect(new Set(await Promise.all(all)).size).toBe(1);
    await other;
    expect(state.asked).toEqual(['a', 'b']);
  });

  it('keeps no failure', async () => {
    let fails = true;
    const { state, tokens } = cache(() => (fails ? Promise.reject(new Error('away')) : facts(1000)));
    await expect(tokens.get('a')).rejects.toThrow('away');
    fails = false;
    expect(await tokens.get('a')).not.toBeNull();
    expect(state.asked).toHaveLength(2);
  });

  it('lets guesses push no valid token out', async () => {
    const { state, tokens } = cache((token) => (token === 'good' ? facts(3_600_000) : null));
    await tokens.get('good');
    for (let i = 0; i < 10_100; i += 1) await tokens.get(`guess ${i}`);
    await tokens.get('good');
    await tokens.get('guess 10099');
    expect(state.asked).toHaveLength(10_101);
    await tokens.get('guess 0');
    expect(state.asked).toHaveLength(10_102);
  });
});
