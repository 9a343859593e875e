import { expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/domain/json.js';
import { isPersistent } from '../../../src/driver/boot-persistence.js';

it.each<[Json | undefined, boolean, boolean]>([
  [undefined, false, true],
  [null, false, true],
  ['Default', false, true],
  ['Always', true, true],
  ['Never', false, false],
  ['never', false, false],
  ['True', true, true],
  [true, true, true],
  ['False', false, true],
  [false, false, true],
])(
  'force_persistent_boot_device %j: the ramdisk’s device %j, the instance’s %j',
  (value, ramdisk, instance) => {
    const driver_info: JsonObject = value === undefined ? {} : { force_persistent_boot_device: value };
    const node = { driver_info };
    expect(isPersistent(node, 'ramdisk')).toBe(ramdisk);
    expect(isPersistent(node, 'instance')).toBe(instance);
  },
);
