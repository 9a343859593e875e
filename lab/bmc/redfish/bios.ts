import { type Body, badValue, collection, link, readOnly, refuse, unknownProperty } from './answer.js';
import { type Board, pathsOf, type Resources } from './board.js';
import { actionInfo } from './system.js';

type Value = string | number | boolean | null;

interface Attribute {
  name: string;
  type: 'Enumeration' | 'Integer' | 'String' | 'Boolean' | 'Password';
  value: Value;
  values?: readonly string[];
  bounds?: readonly [number, number];
  lengths?: readonly [number, number];
  readOnly?: true;
  unique?: true;
}

/** Names and types as captured registries have them; of each type one. */
const ATTRIBUTES: readonly Attribute[] = [
  { name: 'BootMode', type: 'Enumeration', value: 'Uefi', values: ['Uefi', 'LegacyBios'] },
  { name: 'ProcVirtualization', type: 'Enumeration', value: 'Enabled', values: ['Enabled', 'Disabled'] },
  { name: 'SriovGlobalEnable', type: 'Enumeration', value: 'Disabled', values: ['Enabled', 'Disabled'] },
  { name: 'BootRetryDelay', type: 'Integer', value: 30, bounds: [0, 600] },
  { name: 'QuietBoot', type: 'Boolean', value: true },
  { name: 'AssetTag', type: 'String', value: '', lengths: [0, 20], unique: true },
  { name: 'SystemBiosVersion', type: 'String', value: '1.0', readOnly: true },
  { name: 'SetupPassword', type: 'Password', value: null, lengths: [0, 32] },
];

const REGISTRY = 'BiosAttributeRegistry.v1_0_0';
const REGISTRIES = '/redfish/v1/Registries';

/** BIOS with an attribute registry; its settings object is applied at the machine's next start. */
export function biosResources(board: Board): Resources {
  const { quirks, faults } = board;
  const path = `${pathsOf(board.personality).system}/Bios`;
  const object = `${path}/${quirks.biosSettings}`;
  const reset = `${path}/Actions/Bios.ResetBios`;
  const values = new Map(ATTRIBUTES.map(({ name, value }) => [name, value]));
  const pending = new Map<string, Value>();
  let resets = false;
  let applied: { time: string; messages: Body[] } | undefined;

  const shown = (map: ReadonlyMap<string, Value>) =>
    Object.fromEntries([...map].map(([name, value]) => [name, typeOf(name) === 'Password' ? null : value]));

  const apply = () => {
    const kept = faults.has('keeps-settings')?.names ?? [];
    const changes = new Map(resets ? ATTRIBUTES.map(({ name, value }) => [name, value]) : []);
    for (const [name, value] of pending) changes.set(name, value);
    if (changes.size === 0) return;
    const names = [...changes.keys()].filter((name) => !kept.includes(name));
    for (const name of names) values.set(name, changes.get(name) ?? null);
    applied = {
      time: new Date().toISOString(),
      messages: kept.filter((name) => changes.has(name)).map((name) => rejection(name)),
    };
    pending.clear();
    resets = false;
    board.event({ kind: 'bios', act: 'applied', names });
  };
  board.onStart.push(() => {
    if (quirks.biosDelay === 0) apply();
    else setTimeout(apply, quirks.biosDelay).unref();
  });

  return {
    [path]: {
      get: () => ({
        '@odata.id': path,
        '@odata.type': '#Bios.v1_2_0.Bios',
        Id: 'Bios',
        Name: 'BIOS Configuration',
        AttributeRegistry: REGISTRY,
        Attributes: shown(values),
        ResetBiosToDefaultsPending: resets,
        '@Redfish.Settings': {
          '@odata.type': '#Settings.v1_3_0.Settings',
          SettingsObject: link(object),
          SupportedApplyTimes: ['OnReset'],
          ...(applied ? { Time: applied.time, Messages: applied.messages } : {}),
        },
        Actions: {
          '#Bios.ResetBios': {
            target: reset,
            ...(quirks.resetBiosType ? { '@Redfish.ActionInfo': `${path}/ResetBiosActionInfo` } : {}),
          },
        },
      }),
    },
    [object]: {
      get: () => ({
        '@odata.id': object,
        '@odata.type': '#Bios.v1_2_0.Bios',
        Id: quirks.biosSettings,
        Name: 'BIOS Configuration Pending Settings',
        AttributeRegistry: REGISTRY,
        ...(quirks.pendingHidden && pending.size === 0 ? {} : { Attributes: shown(pending) }),
      }),
      patch: ({ body }) => {
        for (const key of Object.keys(body)) {
          if (key !== 'Attributes' && !key.startsWith('@')) throw unknownProperty(key);
        }
        const changes = checked(body['Attributes']);
        for (const [name, value] of changes) pending.set(name, value);
        board.event({ kind: 'bios', act: 'pending', names: [...changes.keys()] });
        return undefined;
      },
    },
    [`${path}/ResetBiosActionInfo`]: {
      get: () => actionInfo(`${path}/ResetBiosActionInfo`, 'ResetType', ['Reset']),
    },
    [reset]: {
      post: ({ body, raw }) => {
        if (raw.length === 0) {
          throw refuse(
            415,
            'UnsupportedMediaType',
            'The request has no body of a media type that is supported.',
          );
        }
        if (quirks.resetBiosType && body['ResetType'] !== 'Reset') {
          throw refuse(
            400,
            'ActionParameterMissing',
            'The action Bios.ResetBios requires the parameter ResetType.',
          );
        }
        resets = true;
        pending.clear();
        board.event({ kind: 'bios', act: 'reset', names: [] });
        return { status: 204 };
      },
    },
    ...registryResources(),
  };
}

function typeOf(name: string): Attribute['type'] | undefined {
  return ATTRIBUTES.find((attribute) => attribute.name === name)?.type;
}

/** @throws Refusal naming the attribute */
function checked(body: unknown): Map<string, Value> {
  if (typeof body !== 'object' || body === null) throw badValue(body, 'Attributes');
  const changes = new Map<string, Value>();
  for (const [name, value] of Object.entries(body as Record<string, Value>)) {
    const known = ATTRIBUTES.find((attribute) => attribute.name === name);
    if (!known) throw unknownProperty(name);
    if (known.readOnly) throw readOnly(name);
    if (!fits(known, value)) throw badValue(value, name);
    changes.set(name, value);
  }
  return changes;
}

function fits({ type, values, bounds, lengths }: Attribute, value: Value): boolean {
  if (type === 'Boolean') return typeof value === 'boolean';
  if (type === 'Integer') {
    return typeof value === 'number' && (!bounds || (value >= bounds[0] && value <= bounds[1]));
  }
  if (typeof value !== 'string') return false;
  return (!values || values.includes(value)) && (!lengths || value.length <= lengths[1]);
}

function rejection(name: string): Body {
  return {
    MessageId: 'Base.1.12.PropertyValueConflict',
    Message: `The property ${name} could not be written because its value conflicts with another property.`,
    Severity: 'Critical',
    RelatedProperties: [`#/Attributes/${name}`],
  };
}

function registryResources(): Resources {
  const file = `${REGISTRIES}/${REGISTRY}`;
  const content = `${file}/${REGISTRY}.json`;
  const base = `${REGISTRIES}/Base.1.12.0`;
  return {
    [REGISTRIES]: { get: () => collection(REGISTRIES, 'MessageRegistryFileCollection', [base, file]) },
    [base]: {
      get: () => ({
        '@odata.id': base,
        Id: 'Base.1.12.0',
        Name: 'Base',
        Registry: 'Base.1.12.0',
        Location: [],
      }),
    },
    [file]: {
      get: () => ({
        '@odata.id': file,
        '@odata.type': '#MessageRegistryFile.v1_1_0.MessageRegistryFile',
        Id: REGISTRY,
        Name: 'BIOS Attribute Registry',
        Registry: REGISTRY,
        Location: [{ Language: 'en', Uri: content }],
      }),
    },
    [content]: {
      get: () => ({
        '@odata.id': content,
        '@odata.type': '#AttributeRegistry.v1_3_0.AttributeRegistry',
        Id: REGISTRY,
        Name: 'BIOS Attribute Registry',
        RegistryEntries: {
          Attributes: ATTRIBUTES.map((one) => ({
            AttributeName: one.name,
            DisplayName: one.name,
            Type: one.type,
            ReadOnly: one.readOnly ?? false,
            IsSystemUniqueProperty: one.unique ?? false,
            ResetRequired: true,
            DefaultValue: one.value,
            ...(one.values ? { Value: one.values.map((ValueName) => ({ ValueName })) } : {}),
            ...(one.bounds ? { LowerBound: one.bounds[0], UpperBound: one.bounds[1] } : {}),
            ...(one.lengths ? { MinLength: one.lengths[0], MaxLength: one.lengths[1] } : {}),
          })),
        },
      }),
    },
  };
}
