import { describe, expect, it } from 'vitest';
import { Session, SessionTable } from '../../../../lab/bmc/session.js';
import { CIPHER_SUITES } from '../../../../src/protocol/ipmi/cipher-suite.js';

const session = (id = 1) => new Session(id, 100 + id, CIPHER_SUITES[0]!, 4);

describe('the replay window of a session', () => {
  it('takes each number once, in order or not', () => {
    const s = session();
    expect([3, 1, 2, 4, 4, 3, 5].map((n) => s.accept(n))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('refuses 0, what is too far ahead and what is too far behind', () => {
    const s = session();
    expect(s.accept(0)).toBe(false);
    expect(s.accept(16)).toBe(false);
    expect(s.accept(15)).toBe(true);
    expect(s.accept(31)).toBe(false);
    expect(s.accept(30)).toBe(true);
    expect(s.accept(14)).toBe(true); // 16 behind
    expect(s.accept(13)).toBe(false); // 17 behind
    expect(s.accept(15)).toBe(false); // was there
  });
});

describe('the places for sessions', () => {
  it('lets a new one take the place of the oldest half-open one, never of an active one', () => {
    const table = new SessionTable(2, 60_000);
    const [first, second, third] = [session(1), session(2), session(3)];
    first.active = true;
    expect([table.add(first), table.add(second), table.add(third)]).toEqual([true, true, true]);
    expect([table.get(1), table.get(2), table.get(3)]).toEqual([first, undefined, third]);
    third.active = true;
    expect(table.add(session(4))).toBe(false);
  });

  it('forgets sessions that were silent too long', () => {
    const table = new SessionTable(1, 60_000);
    const old = session(1);
    old.active = true;
    old.touched -= 60_001;
    table.add(old);
    expect(table.get(1)).toBeUndefined();
    expect(table.size).toBe(0);
  });
});
