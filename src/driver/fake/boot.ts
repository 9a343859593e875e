import { isPersistent } from '../boot-persistence.js';
import { bootsInstanceByNetwork } from '../capabilities.js';
import type { BootInterface, BootTarget, InMemoryBoot } from '../contract/boot.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import { memoryInstance } from '../pxe/memory-boot.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** Publishes nothing, but records what it would have: driver_internal_info.fake_boot_published. */
export class FakeBoot implements BootInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;

  /** Accepts any reference: nothing is fetched. */
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

  managesInspection(context: ReadContext): boolean {
    return context.ports.some((port) => port.pxe_enabled);
  }

  async prepareRamdisk(context: DriverContext): Promise<BootTarget> {
    await this.machine.act(context, 'boot', 'prepare ramdisk', { fake_boot_published: 'ramdisk' });
    return { device: 'pxe', persistent: isPersistent(context.node, 'ramdisk') };
  }

  async cleanUpRamdisk(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'boot', 'clean up ramdisk', { fake_boot_published: null });
  }

  async prepareInstance(context: DriverContext): Promise<BootTarget> {
    await this.machine.act(context, 'boot', 'prepare instance', { fake_boot_published: null });
    const device = bootsInstanceByNetwork(context.node) ? 'pxe' : 'disk';
    return { device, persistent: isPersistent(context.node, 'instance') };
  }

  async cleanUpInstance(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'boot', 'clean up instance', { fake_boot_published: null });
  }
}
