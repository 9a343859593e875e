import fc from 'fast-check';
import { type Operation, applyPatch as reference } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../src/domain/json.js';
import { applyPatch, type PatchOperation, sameJson } from '../../../../src/domain/node/json-patch.js';

const before = { extra: { a: 1, list: [1, 2] }, name: 'n' };

describe('applyPatch', () => {
  it.each<[PatchOperation[], JsonObject]>([
    [
      [{ op: 'add', path: '/extra/b', value: { c: null } }],
      { extra: { a: 1, list: [1, 2], b: { c: null } }, name: 'n' },
    ],
    [[{ op: 'replace', path: '/name', value: 'm' }], { ...before, name: 'm' }],
    [[{ op: 'remove', path: '/extra/a' }], { extra: { list: [1, 2] }, name: 'n' }],
    [[{ op: 'add', path: '/extra/list/-', value: 3 }], { extra: { a: 1, list: [1, 2, 3] }, name: 'n' }],
    [[{ op: 'add', path: '/extra/list/0', value: 3 }], { extra: { a: 1, list: [3, 1, 2] }, name: 'n' }],
    [[{ op: 'remove', path: '/extra/list/1' }], { extra: { a: 1, list: [1] }, name: 'n' }],
    [
      [
        { op: 'add', path: '/extra/b', value: {} },
        { op: 'add', path: '/extra/b/c', value: 1 },
      ],
      { extra: { a: 1, list: [1, 2], b: { c: 1 } }, name: 'n' },
    ],
  ])('%j', (patch, after) => {
    const untouched = structuredClone(before);
    expect(applyPatch(before, patch, false)).toEqual(after);
    expect(before).toEqual(untouched);
  });

  it.each<[PatchOperation, string]>([
    [
      { op: 'remove', path: '/extra/nosuch' },
      "Couldn't apply patch '{'op': 'remove', 'path': '/extra/nosuch'}'. Reason: can't remove a non-existent object 'nosuch'",
    ],
    [{ op: 'replace', path: '/extra/nosuch', value: 'pw' }, "can't replace a non-existent object 'nosuch'"],
    [{ op: 'add', path: '/extra/no/such', value: 'pw' }, "member 'no' not found"],
    [{ op: 'add', path: '/name/such', value: 'pw' }, 'is not an object'],
    [{ op: 'add', path: '/extra/list/9', value: 'pw' }, "can't insert outside of list"],
    [{ op: 'remove', path: '/extra/list/-' }, 'not a valid sequence index'],
    [{ op: 'add', path: '/extra/list/01', value: 1 }, 'not a valid sequence index'],
    [{ op: 'add', path: '/extra/__proto__/x', value: 1 }, "'__proto__' is not allowed"],
    [{ op: 'add', path: '/extra/__proto__', value: 1 }, "'__proto__' is not allowed"],
    [{ op: 'add', path: '/extra/constructor/prototype', value: 1 }, "member 'constructor' not found"],
    [{ op: 'remove', path: '/extra/toString' }, 'non-existent'],
  ])('refuses %j', (operation, message) => {
    expect(() => applyPatch(before, [operation], false)).toThrow(message);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('does not quote values, which may be secret', () => {
    const patch: PatchOperation[] = [{ op: 'replace', path: '/extra/ipmi_password', value: 'canary' }];
    expect(() => applyPatch(before, patch, false)).toThrow(/^(?!.*canary).*ipmi_password/);
  });

  it('knows ~0 and ~1 when told to', () => {
    const add: PatchOperation[] = [{ op: 'add', path: '/extra/x~1y~0z', value: 1 }];
    expect(applyPatch({ extra: {} }, add, true)).toEqual({ extra: { 'x/y~z': 1 } });
    expect(applyPatch({ extra: {} }, add, false)).toEqual({ extra: { 'x~1y~0z': 1 } });
  });

  it('agrees with rfc6902', () => {
    const key = fc.constantFrom('a', 'b', '0', '1', '-');
    const json = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, 1, 'x'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', '0'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).value;
    const operation = fc.record({
      op: fc.constantFrom('add', 'replace', 'remove' as const),
      path: fc.array(key, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
      value: json,
    });
    let applied = 0;
    fc.assert(
      fc.property(fc.dictionary(key, json, { noNullPrototype: true }), operation, (document, given) => {
        let result: JsonObject;
        try {
          result = applyPatch(document as JsonObject, [given as PatchOperation], true);
        } catch {
          // Ironic's own library refuses more than rfc6902 does: paths through scalars and past the end of a list.
          return;
        }
        applied += 1;
        const expected = structuredClone(document);
        expect(reference(expected, [given as Operation])).toEqual([null]);
        expect(result).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
    expect(applied).toBeGreaterThan(100);
  });
});

describe('sameJson', () => {
  it.each<[Json, Json, boolean]>([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [[1, 2], [2, 1], false],
    [{}, [], false],
    [{ a: null }, {}, false],
    [null, {}, false],
    ['1', 1, false],
  ])('%j, %j: %s', (a, b, same) => {
    expect(sameJson(a, b)).toBe(same);
  });
});
