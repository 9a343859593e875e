import { describe, expect, it } from 'vitest';
import { renderRooms, rooms } from '../../../../scripts/docs/rooms.js';

describe('docs/reference/rooms.md', () => {
  it('comes from the rules that fail the build', () => {
    const text = rooms.render();
    expect(text).toMatch(/^\| `src\/domain` \| [^|]+ \| nothing \|$/m);
    expect(text).toMatch(/^\| `src\/config` \| [^|]+ \| `domain` \|$/m);
    expect(text).toContain('`domain` and `protocol` are pure');
  });

  it('stops at a room without a sentence', () => {
    const rule = { name: 'room-attic', from: { path: '^src/attic/' }, to: { pathNot: ['^src/attic/'] } };
    expect(() => renderRooms([rule])).toThrow(/no sentence for src\/attic/);
  });
});
