import { describe, expect, it } from 'vitest';
import {
  actionOf,
  allowableOf,
  allowableValues,
  readActionInfo,
} from '../../../../src/protocol/redfish/action.js';

const TARGET = '/redfish/v1/Systems/1/Actions/SimpleReset';

describe('actionOf', () => {
  it('takes the target as it stands and the values that are said inline (Dell, HPE)', () => {
    const action = actionOf(
      {
        Actions: {
          '#ComputerSystem.Reset': {
            target: TARGET,
            'ResetType@Redfish.AllowableValues': ['On', 'ForceOff'],
          },
        },
      },
      'ComputerSystem.Reset',
    )!;
    expect(action.target).toBe(TARGET);
    expect(allowableOf(action, 'ResetType', undefined)).toEqual(['On', 'ForceOff']);
  });

  it('takes them of an ActionInfo where they are not (Lenovo, Supermicro)', () => {
    const action = actionOf(
      {
        Actions: {
          '#ComputerSystem.Reset': {
            target: TARGET,
            '@Redfish.ActionInfo': '/redfish/v1/Systems/1/ResetActionInfo',
          },
        },
      },
      'ComputerSystem.Reset',
    )!;
    expect(action.info).toBe('/redfish/v1/Systems/1/ResetActionInfo');
    const info = readActionInfo({
      Parameters: [
        null,
        { Name: 'ResetType', Required: true, AllowableValues: ['On', 'ForceOff'] },
        { Required: true },
      ],
    });
    expect(info).toEqual([{ name: 'ResetType', required: true, allowable: ['On', 'ForceOff'] }]);
    expect(allowableOf(action, 'ResetType', info)).toEqual(['On', 'ForceOff']);
    expect(allowableOf(action, 'ResetType', undefined)).toBeUndefined();
  });

  it.each([
    {},
    { Actions: null },
    { Actions: {} },
    { Actions: { '#ComputerSystem.Reset': null } },
    { Actions: { '#ComputerSystem.Reset': { target: 'https://elsewhere.example/reset' } } },
  ])('offers nothing in %j', (resource) => {
    expect(actionOf(resource as never, 'ComputerSystem.Reset')).toBeUndefined();
  });
});

describe('allowableValues', () => {
  it('knows nothing where the list is missing or empty', () => {
    expect(allowableValues({ 'A@Redfish.AllowableValues': [] }, 'A')).toBeUndefined();
    expect(allowableValues(undefined, 'A')).toBeUndefined();
    expect(allowableValues({ 'A@Redfish.AllowableValues': ['x', 5] }, 'A')).toEqual(['x']);
  });
});
