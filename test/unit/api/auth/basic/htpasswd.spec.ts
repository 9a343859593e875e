import { describe, expect, it } from 'vitest';
import { parseUsers, refuseFaults } from '../../../../../src/api/auth/basic/htpasswd.js';

const HASH = 'Ke6lWhUcq/yCCRIhI9pKsu1H23NxsrQ1yqcNXWPYxf6P0ZO7ZQDSK';

describe('a file of users', () => {
  it('has a user on each line', () => {
    const text = `# staff\nalice:$2y$04$${HASH}\r\n\n  bob:$2a$12$${HASH}\ncarol:$2b$05$${HASH}`;
    const users = parseUsers(text);
    expect(users.faults).toEqual([]);
    expect([...users.hashes]).toEqual([
      ['alice', `$2y$04$${HASH}`],
      ['bob', `$2a$12$${HASH}`],
      ['carol', `$2b$05$${HASH}`],
    ]);
  });

  it('makes a stranger as dear as the dearest user', () => {
    expect(parseUsers(`a:$2y$04$${HASH}\nb:$2y$11$${HASH}`).nobodys).toMatch(/^\$2b\$11\$.{53}$/);
    expect(parseUsers('').nobodys).toMatch(/^\$2b\$10\$.{53}$/);
  });

  it.each([
    ['alice', 'line 1: it is not user:hash'],
    [`:$2y$04$${HASH}`, 'line 1: it is not user:hash'],
    ['alice:{SHA}canary=', 'line 1: the password of alice is not hashed with bcrypt (htpasswd -B)'],
    ['alice:$apr1$canary$canary', 'line 1: the password of alice is not hashed'],
    [`alice:$2x$04$${HASH}`, 'line 1: the password of alice is not hashed'],
    [`alice:$2y$04$${HASH}:more`, 'line 1: the password of alice is not hashed'],
    [`\nalice:$2y$17$${HASH}`, 'line 2: the password of alice has a cost of 17; it may be 4 to 16'],
    [`alice:$2y$04$${HASH}\nalice:$2y$04$${HASH}`, 'line 2: alice is there already'],
  ])('names what is wrong in %j', (text, fault) => {
    const users = parseUsers(text);
    expect(users.faults).toEqual([expect.stringContaining(fault)]);
    const refuse = () => refuseFaults('/etc/users', users);
    expect(refuse).toThrow(fault);
    expect(refuse).not.toThrow('canary');
    expect(refuse).not.toThrow(HASH);
  });
});
