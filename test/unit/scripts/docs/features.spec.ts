import { describe, expect, it } from 'vitest';
import { features, renderFeatures } from '../../../../scripts/docs/features.js';

describe('docs/reference/features.md', () => {
  it('names a test that is there for all that works', () => {
    const text = features.render();
    const rows = text.split('\n').filter((line) => /\| works \|/.test(line));
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((line) => !line.includes('](../../test/'))).toEqual([]);
    expect(text).toMatch(/^\| oci:\/\/, anaconda and bootc images \| no \|/m);
  });

  it('stops at a test that is gone', () => {
    const areas = { Nodes: [{ what: 'Create', is: 'works', test: 'test/gone.spec.ts' } as const] };
    expect(() => renderFeatures(areas, () => false)).toThrow(/no such test: test\/gone\.spec\.ts/);
  });
});
