import { expect, it } from 'vitest';
import { uuid5 } from '../../../src/image/cache/cache-entry.js';

it('names URLs as Python’s uuid.uuid5(uuid.NAMESPACE_URL, …) does', () => {
  expect(uuid5('http://my.server.net/images/img')).toBe('f9def2fd-4482-5941-b2f5-183633d9c400');
  expect(uuid5('file:///images/img')).toBe('7cc3bfca-a1bb-5b68-9a37-ab4157ccc14e');
});
