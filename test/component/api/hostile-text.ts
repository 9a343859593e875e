import fc from 'fast-check';

/** What no field takes, or hardly any. */
export const HOSTILE_TEXT = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
    'x'.repeat(5000),
    '../../etc/passwd',
    "';--",
    '%00',
    '{{7*7}}',
    '${process.env}',
    '1e309',
    'NaN',
    '٣',
    'a\r\nb',
    '00000000-0000-0000-0000-000000000000',
    'True',
    '-1',
  ),
);
