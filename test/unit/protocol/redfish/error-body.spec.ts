import { describe, expect, it } from 'vitest';
import { hasMessage, readMessages, wordsOf } from '../../../../src/protocol/redfish/error-body.js';

const INFO = {
  MessageId: 'Base.1.8.PropertyValueNotInList',
  Message: 'The value Cd for the property BootSourceOverrideTarget is not in the list.',
  MessageArgs: ['Cd'],
  Severity: 'Warning',
  Resolution: 'Choose another.',
  RelatedProperties: ['#/Boot/BootSourceOverrideTarget'],
};

describe('readMessages', () => {
  it.each([
    [
      'a list',
      {
        error: {
          code: 'Base.1.8.GeneralError',
          message: 'See ExtendedInfo',
          '@Message.ExtendedInfo': [INFO],
        },
      },
    ],
    ['one object (iDRAC)', { error: { '@Message.ExtendedInfo': INFO } }],
    ['beside the resource', { Id: '1', '@Message.ExtendedInfo': [INFO] }],
    ['at a property', { 'BootSourceOverrideTarget@Message.ExtendedInfo': [INFO] }],
  ])('reads extended info as %s', (_, body) => {
    expect(readMessages(body as never)).toEqual([
      {
        id: 'PropertyValueNotInList',
        text: INFO.Message,
        resolution: 'Choose another.',
        severity: 'Warning',
        properties: ['Boot.BootSourceOverrideTarget'],
      },
    ]);
  });

  it('puts the worst first', () => {
    const body = {
      error: {
        '@Message.ExtendedInfo': [
          { MessageId: 'Base.1.0.Success', Message: 'Done.' },
          { MessageId: 'IDRAC.2.8.SYS403', Message: 'No.', MessageSeverity: 'critical' },
          { MessageId: 'X.1.0.Odd', Message: 'Odd.' },
        ],
      },
    };
    expect(readMessages(body as never).map(({ id }) => id)).toEqual(['SYS403', 'Odd', 'Success']);
  });

  it('takes error.message where there is nothing else, and fills arguments in', () => {
    expect(wordsOf(readMessages({ error: { code: 'Base.1.0.GeneralError', message: 'A fault.' } }))).toBe(
      'A fault. (GeneralError)',
    );
    const told = {
      error: {
        '@Message.ExtendedInfo': [
          { MessageId: 'B.1.0.X', Message: 'The %1 is %2, %3.', MessageArgs: ['fan', 3] },
        ],
      },
    };
    expect(wordsOf(readMessages(told))).toBe('The fan is 3, %3. (X)');
  });

  it.each([null, [], 'text', {}, { error: null }, { error: { '@Message.ExtendedInfo': [null, {}, 5] } }])(
    'finds nothing in %j',
    (body) => {
      expect(readMessages(body as never)).toEqual([]);
      expect(wordsOf([])).toBeUndefined();
    },
  );

  it('makes one printable line of what a service says, and not a long one', () => {
    const rude = { error: { message: `a\u001b[31mred\n\u202Ebad ${'x'.repeat(5_000)}` } };
    const words = wordsOf(readMessages(rude))!;
    expect(words).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(words.length).toBeLessThan(700);
  });
});

describe('hasMessage', () => {
  it('knows an id whatever its registry and version', () => {
    const messages = readMessages({
      error: { '@Message.ExtendedInfo': [{ MessageId: 'iLO.2.14.UnableToModifyDuringSystemPOST' }] },
    });
    expect(hasMessage(messages, 'UnableToModifyDuringSystemPOST')).toBe(true);
    expect(hasMessage(messages, 'Success')).toBe(false);
  });
});
