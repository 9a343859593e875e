import { InvalidError } from '../../domain/errors.js';
import type { BiosSetting } from '../../domain/hardware/component.js';
import { checkRaidConfiguration, LOGICAL_DISK_PROPERTIES } from '../../domain/hardware/raid.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import type { ReadContext } from '../contract/context.js';
import type { Implementation } from '../contract/implementation.js';
import type { RaidInterface } from '../contract/raid.js';
import type { StepContext, StepDeclaration, StepKind } from '../contract/step.js';
import { createdVolumes, VOLUME_ARGUMENTS } from '../raid-volumes.js';
import { lasting } from './lasting.js';
import { FAKE_PROPERTIES, type FakeKind, type FakeMachine } from './machine.js';

/** BIOS, RAID and firmware of a fake machine: changes succeed at once, after a delay, or fail, as configured. */
abstract class FakeSettings implements Implementation {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;
  abstract readonly steps: readonly StepDeclaration[];

  constructor(protected readonly machine: FakeMachine) {}

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  /** A step for each kind of workflow in which a user may request it. */
  protected declare(
    owner: Extract<FakeKind, 'bios' | 'raid' | 'firmware'>,
    name: string,
    kinds: readonly StepKind[],
    leaves: (context: StepContext) => Promise<void>,
    args: StepDeclaration['args'] = {},
  ): StepDeclaration[] {
    return kinds.map((kind) => ({
      interface: owner,
      name,
      kind,
      priority: 0,
      abortable: false,
      rerunnable: true,
      visible: true,
      requiresRamdisk: false,
      args,
      run: (context) => lasting(this.machine, context, { kind: owner, leaves: () => leaves(context) }),
    }));
  }
}

const EVERYWHERE = ['clean', 'deploy', 'service'] as const;
const list = (what: string) => ({
  settings: {
    description: `List of ${what}, each item needs to contain a dictionary with name/value pairs`,
    required: true,
  },
});

/** Ironic: fake.py, FakeBIOS: the applied settings are all the settings that exist. */
export class FakeBios extends FakeSettings {
  readonly steps = [
    ...this.declare(
      'bios',
      'apply_configuration',
      EVERYWHERE,
      (context) => context.save({ bios_settings: biosSettings(context.step.args['settings']) }),
      list('BIOS settings'),
    ),
    ...this.declare('bios', 'factory_reset', EVERYWHERE, (context) => context.save({ bios_settings: [] })),
    ...this.declare('bios', 'cache_bios_settings', ['clean'], async () => {}),
  ];
}

/** Its update installs the version in the last part of the image's URL, or `version`. */
export class FakeFirmware extends FakeSettings {
  readonly steps = this.declare(
    'firmware',
    'update',
    EVERYWHERE,
    async (context) => {
      const updates = objects(context.step.args['settings'], 'component').map((item) => {
        const version = String(
          item['version'] ??
            String(item['url'] ?? '')
              .split('/')
              .at(-1) ??
            '',
        );
        return {
          component: String(item['component']),
          current_version: version,
          last_version_flashed: version,
        };
      });
      await context.save({ firmware_components: updates });
    },
    list('Firmware components'),
  );
}

const VOLUMES = {
  ...VOLUME_ARGUMENTS,
  delete_existing: {
    description: 'Setting this to True indicates to delete existing RAID configuration first.',
  },
};

/** Creates the logical disks of node.target_raid_config. */
export class FakeRaid extends FakeSettings implements RaidInterface {
  readonly logicalDiskProperties = LOGICAL_DISK_PROPERTIES;
  readonly steps = [
    ...this.declare('raid', 'create_configuration', ['clean', 'service'], create, VOLUMES),
    ...this.declare(
      'raid',
      'apply_configuration',
      ['deploy'],
      async (context) => {
        const config = context.step.args['raid_config'];
        if (!isObject(config)) throw new InvalidError('raid_config must be an object');
        checkRaidConfiguration(config);
        await context.save({ target_raid_config: config });
        await create(context);
      },
      {
        raid_config: { description: 'The RAID configuration to apply.', required: true },
        ...VOLUMES,
      },
    ),
    ...this.declare('raid', 'delete_configuration', ['clean', 'service'], (context) =>
      context.save({ raid_config: {} }),
    ),
  ];

  override async validate(context: ReadContext): Promise<void> {
    await super.validate(context);
    const target = context.node.target_raid_config;
    if (Object.keys(target).length > 0) this.checkConfiguration(context, target);
  }

  checkConfiguration(_context: ReadContext, config: JsonObject): void {
    checkRaidConfiguration(config);
  }
}

/** Ironic: raid.update_raid_info. */
async function create(context: StepContext): Promise<void> {
  const logical_disks = createdVolumes(context);
  await context.save({ raid_config: { logical_disks, last_updated: new Date().toISOString() } });
}

function biosSettings(value: Json | undefined): BiosSetting[] {
  return objects(value, 'name').map((item) => ({
    name: String(item['name']),
    value: item['value'] === undefined || item['value'] === null ? null : String(item['value']),
  }));
}

function objects(value: Json | undefined, key: string): JsonObject[] {
  const holds = (item: Json): item is JsonObject =>
    isObject(item) && typeof item[key] === 'string' && item[key] !== '';
  if (!Array.isArray(value) || !value.every(holds)) {
    throw new InvalidError(`settings must be a list of objects with a ${key}`);
  }
  return value;
}
