import type { BootInterface, InMemoryBoot } from '../contract/boot.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import { memoryInstance } from '../pxe/memory-boot.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** Publishes nothing but remembers that it did: driver_internal_info.fake_boot_published. */
export class FakeBoot implements BootInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;

  /** Whatever is named: nothing is fetched. */
  readonly inMemory: InMemoryBoot = {
    validate: async ({ node }) => void memoryInstance(node),
    parts: async ({ node }) => {
      const wanted = memoryInstance(node);
      return 'image_source' in wanted ? { boot_iso: wanted.image_source } : wanted;
    },
  };

  constructor(private readonly machine: FakeMachine) {}

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  async prepareRamdisk(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'boot', 'prepare ramdisk', { fake_boot_published: 'ramdisk' });
  }

  async cleanUpRamdisk(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'boot', 'clean up ramdisk', { fake_boot_published: null });
  }

  async prepareInstance(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'boot', 'prepare instance', { fake_boot_published: null });
  }

  async cleanUpInstance(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'boot', 'clean up instance', { fake_boot_published: null });
  }
}
