import { describe, expect, it } from 'vitest';
import { ifMatchForms } from '../../../../src/protocol/redfish/etag.js';

describe('ifMatchForms', () => {
  it.each([
    ['"5a"', ['"5a"', undefined]],
    ['W/"5a"', ['W/"5a"', '"5a"', undefined]],
    ['5a', ['5a', '"5a"', undefined]],
    ['""5a""', ['"5a"', undefined]],
    ['\\"5a\\"', ['"5a"', undefined]],
    ['""', [undefined, '*']],
    ['W/""', [undefined, '*']],
    ['', [undefined, '*']],
    [undefined, [undefined, '*']],
    ['"a"\r\nX: y', [undefined, '*']],
  ])('of %j are %j', (etag, forms) => {
    expect(ifMatchForms(etag)).toEqual(forms);
  });
});
