import { describe, expect, it } from 'vitest';
import {
  applyTimeAnnotation,
  operationApplyTime,
  settingsOf,
} from '../../../../src/protocol/redfish/settings.js';

const OBJECT = { '@odata.id': '/redfish/v1/systems/1/bios/settings/' };

describe('settingsOf', () => {
  it('keeps the path in its own case (iLO5)', () => {
    expect(settingsOf({ '@Redfish.Settings': { SettingsObject: OBJECT } })?.object).toBe(
      '/redfish/v1/systems/1/bios/settings/',
    );
  });

  it('reads what became of the last change', () => {
    const settings = settingsOf({
      '@Redfish.Settings': {
        SettingsObject: OBJECT,
        SupportedApplyTimes: ['OnReset'],
        Time: '2026-01-01T00:00:00Z',
        Messages: [{ MessageId: 'Base.1.0.PropertyNotWritable', Message: 'Not that one.' }],
      },
    });
    expect(settings).toMatchObject({
      time: '2026-01-01T00:00:00Z',
      messages: [{ id: 'PropertyNotWritable' }],
    });
    expect(applyTimeAnnotation(settings, 'OnReset')).toEqual({
      '@Redfish.SettingsApplyTime': { ApplyTime: 'OnReset' },
    });
    expect(applyTimeAnnotation(settings, 'Immediate')).toEqual({});
  });

  it.each([undefined, {}, { '@Redfish.Settings': null }, { '@Redfish.Settings': { SettingsObject: null } }])(
    'is none in %j',
    (resource) => {
      expect(settingsOf(resource as never)).toBeUndefined();
      expect(applyTimeAnnotation(undefined, 'OnReset')).toEqual({});
    },
  );
});

describe('operationApplyTime', () => {
  it('is the preferred one that the collection offers, and nothing where it offers none (iDRAC)', () => {
    const offers = { '@Redfish.OperationApplyTimeSupport': { SupportedValues: ['OnReset', 'Immediate'] } };
    expect(operationApplyTime(offers, ['Immediate', 'OnReset'])).toBe('Immediate');
    expect(operationApplyTime({}, ['Immediate', 'OnReset'])).toBeUndefined();
  });
});
