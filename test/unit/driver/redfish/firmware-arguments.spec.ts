import { expect, it } from 'vitest';
import { askedUpdates, fileNameOf } from '../../../../src/driver/redfish/firmware/arguments.js';

it.each([
  ['https://user:secret@example.com/a/BIOS_2.0.EXE?token=secret', 'BIOS_2.0.EXE'],
  ['file:///srv/fw/ilo 5.bin', 'ilo_205.bin'],
  ['http://example.com/', 'firmware'],
  ['d3b0a4a4-0000-4000-8000-000000000001', 'd3b0a4a4-0000-4000-8000-000000000001'],
  [`http://example.com/${'x'.repeat(100)}.fwpkg`, `${'x'.repeat(74)}.fwpkg`],
])('the file name of %s is told without login and query', (url, name) => {
  expect(fileNameOf(url)).toBe(name);
});

it.each(['d3b0a4a4-0000-4000-8000-000000000001', 'glance://d3b0a4a4-0000-4000-8000-000000000001'])(
  'an image of the Image service is no firmware, whoever may see it: %s',
  (url) => {
    const asked = () => askedUpdates([{ component: 'bios', url }], { validateReference: () => {} });
    expect(asked).toThrow(/settings\[0\]\.url must be a URL, not an image/);
  },
);
