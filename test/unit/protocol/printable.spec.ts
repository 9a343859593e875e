import { describe, expect, it } from 'vitest';
import { oneLine, printableAscii } from '../../../src/protocol/printable.js';

describe("a peer's text", () => {
  it('as visible ASCII', () => {
    expect(printableAscii('a\n\u001b[31mé b', 40)).toBe('a??[31m? b');
    expect(printableAscii('abcdef', 3)).toBe('abc');
  });
  it('as one line keeps other scripts, and no control character or line separator', () => {
    expect(oneLine(' a\r\n\u0000\u0085\u2028b é\u007f ')).toBe('a b é');
    expect(oneLine('x'.repeat(300))).toHaveLength(255);
    expect(oneLine('abcdef', 3)).toBe('abc');
  });
});
