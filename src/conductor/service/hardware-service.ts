import type { DataSource } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import type { Actor } from '../../domain/actor.js';
import { ConflictError, InvalidError, UnavailableError } from '../../domain/errors.js';
import { INDICATOR_STATES, type IndicatorState, type MediaDevice } from '../../domain/hardware/component.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { BootDevice, BootMode } from '../../domain/node/boot-device.js';
import { factsOf, isProvisionState } from '../../domain/provision/machine.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { Indicators, IndicatorTable, MediaDrive } from '../../driver/contract/management.js';
import type { WorkContext } from '../../driver/contract/step.js';
import type { DriverRegistry } from '../../driver/registry.js';
import { unsupported } from '../../driver/unsupported.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import { type Actions, actionOf } from '../execution/actions.js';
import type { Changes } from '../execution/changes.js';
import { nodeEdit } from '../execution/changes.js';
import type { NodeContexts, ReadingContext } from '../execution/node-context.js';
import type { Reserving } from '../execution/reservation.js';
import { refuseUnknown } from './unknown-driver.js';

type Context = WorkContext & { all: Interfaces };

/**
 * Requests to a node's machine other than power and provision verbs: boot, indicators, console, RAID, virtual media.
 */
export class HardwareService {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      changes: Changes;
      contexts: NodeContexts;
      registry: DriverRegistry;
      reservations: Reserving;
      actions: Actions;
    },
  ) {}

  getBootDevice(ident: string): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }> {
    return this.#reserved(ident, async (context) => {
      await context.all.management.validate(context);
      return context.all.management.getBootDevice(context);
    });
  }

  setBootDevice(ident: string, device: string, persistent: boolean, by: Actor): Promise<void> {
    return this.#done(ident, `boot device ${device}`, by, async (context) => {
      const { management } = context.all;
      await management.validate(context);
      const wanted = management.supportedBootDevices(context).find((known) => known === device);
      if (!wanted) throw new InvalidError(`Invalid boot device ${device} specified.`);
      await management.setBootDevice(context, wanted, persistent);
    });
  }

  async supportedBootDevices(ident: string): Promise<readonly BootDevice[]> {
    return this.#look(ident, async (context) => context.all.management.supportedBootDevices(context));
  }

  injectNmi(ident: string, by: Actor): Promise<void> {
    return this.#done(ident, 'inject nmi', by, async (context) => {
      const { management } = context.all;
      await management.validate(context);
      if (!management.injectNmi) throw unsupported(context.node.driver, 'inject_nmi');
      await management.injectNmi(context);
    });
  }

  async indicators(ident: string): Promise<IndicatorTable> {
    return this.#look(ident, (context) => indicatorsOf(context, 'get_supported_indicators').list(context));
  }

  indicator(ident: string, component: string, name: string): Promise<IndicatorState> {
    return this.#reserved(ident, async (context) => {
      await context.all.management.validate(context);
      return indicatorsOf(context, 'get_indicator_state').get(context, component, name);
    });
  }

  setIndicator(
    ident: string,
    { component, name }: { component: string; name: string },
    state: string,
    by: Actor,
  ): Promise<void> {
    return this.#done(ident, `indicator ${name}@${component}`, by, async (context) => {
      await context.all.management.validate(context);
      const lights = indicatorsOf(context, 'set_indicator_state');
      const wanted = INDICATOR_STATES.find((known) => known === state);
      if (!wanted) throw new InvalidError(`Invalid indicator state ${state} specified.`);
      await lights.set(context, component, name, wanted);
    });
  }

  /** @throws InvalidError where the console is not enabled */
  async console(ident: string): Promise<JsonObject> {
    return this.#look(ident, async (context) => {
      const node = await this.deps.nodes.get(ident);
      if (!node.console_enabled) throw new InvalidError(`Console access is not enabled on node ${node.uuid}`);
      await context.all.console.validate(context);
      return context.all.console.describe(context);
    });
  }

  async setConsole(ident: string, enabled: boolean, by: Actor): Promise<void> {
    await this.#look(ident, (context) => context.all.console.validate(context));
    if ((await this.deps.nodes.get(ident)).console_enabled === enabled) return;
    await this.#action(ident, 'set_console', { enabled }, by, (context) =>
      context.all.console.validate(context),
    );
  }

  async setTargetRaid(ident: string, config: JsonObject, by: Actor): Promise<void> {
    const { source, nodes, changes } = this.deps;
    await this.deps.reservations.reserved(ident, async (reservation) => {
      const { node, fence, signal } = reservation;
      await this.deps.contexts.forWork(reservation, node, signal, async (context) => {
        if (Object.keys(config).length > 0) context.all.raid.checkConfiguration(context, config);
      });
      await inTransaction(source, async (manager) => {
        await nodes.update(node.uuid, { target_raid_config: config }, fence, manager);
        await changes.write(nodeEdit(node.uuid, { target_raid_config: config }, by), manager);
      });
    });
  }

  /**
   * Of the driver's default RAID interface.
   * @throws NotFoundError for a hardware type that is not enabled, UnsupportedError
   */
  logicalDiskProperties(driver: string): Readonly<Record<string, string>> {
    refuseUnknown(this.deps.registry, driver);
    const { logicalDiskProperties } = this.deps.registry.resolve({ driver }).raid;
    if (!logicalDiskProperties) throw unsupported(driver, 'raid');
    return logicalDiskProperties;
  }

  setBootMode(ident: string, target: BootMode, by: Actor): Promise<void> {
    return this.#firmwareBoot(ident, 'set_boot_mode', target, by);
  }

  setSecureBoot(ident: string, target: boolean, by: Actor): Promise<void> {
    return this.#firmwareBoot(ident, 'set_secure_boot', target, by);
  }

  async media(ident: string): Promise<MediaDrive[]> {
    return this.#look(ident, async (context) => {
      await context.all.management.validate(context);
      if (!context.all.management.media) throw unsupported(context.node.driver, 'get_virtual_media');
      return context.all.management.media.list(context);
    });
  }

  attachMedia(
    ident: string,
    medium: { device_type: MediaDevice; image_url: string; image_download_source: string },
    by: Actor,
  ): Promise<void> {
    return this.#media(ident, 'attach', medium, by);
  }

  detachMedia(ident: string, devices: readonly MediaDevice[] | null, by: Actor): Promise<void> {
    return this.#media(ident, 'detach', { device_types: devices as MediaDevice[] | null }, by);
  }

  #media(ident: string, what: 'attach' | 'detach', args: JsonObject, by: Actor): Promise<void> {
    return this.#action(ident, `${what}_media`, args, by, async (context, node) => {
      await context.all.management.validate(context);
      if (!context.all.management.media) throw unsupported(node.driver, `${what}_virtual_media`);
      if (node.maintenance && node.fault === 'power failure') {
        throw new UnavailableError(
          `Unable to ${what} virtual media for node ${node.uuid} due to power failure state`,
        );
      }
    });
  }

  #firmwareBoot(ident: string, step: string, target: Json, by: Actor): Promise<void> {
    return this.#action(ident, step, { target }, by, async (context, node) => {
      const state = node.provision_state;
      if (!isProvisionState(state) || !factsOf(state).stable) {
        throw new ConflictError(
          `Node is in ${state} state. Since node is transitioning, the boot mode will not be set as this may ` +
            'interfere with ongoing changes and result in erroneous modification. Try again later.',
        );
      }
      await context.all.management.validate(context);
    });
  }

  async #action(
    ident: string,
    step: string,
    args: JsonObject,
    by: Actor,
    check: (context: ReadingContext, node: Node) => Promise<void>,
  ): Promise<void> {
    const { actions, contexts, reservations } = this.deps;
    await actions.retried(() =>
      reservations.reserved(ident, async (reservation) => {
        const { node, fence, signal } = reservation;
        await contexts.forReading(node, { signal }, (context) => check(context, node));
        await actions.begin(node, step, args, fence, by);
      }),
    );
  }

  #reserved<T>(ident: string, work: (context: Context) => Promise<T>): Promise<T> {
    return this.deps.reservations.reserved(ident, (reservation) =>
      this.deps.contexts.forWork(reservation, reservation.node, reservation.signal, work),
    );
  }

  /** As `#reserved`; recorded once it is done, since a BMC takes part in no transaction. */
  async #done(
    ident: string,
    what: string,
    by: Actor,
    work: (context: Context) => Promise<void>,
  ): Promise<void> {
    await this.#reserved(ident, async (context) => {
      await work(context);
      await this.deps.changes.write(actionOf(context.node, what, by), this.deps.source);
    });
  }

  async #look<T>(ident: string, work: (context: ReadingContext) => Promise<T>): Promise<T> {
    return this.deps.contexts.forReading(await this.deps.nodes.get(ident), {}, work);
  }
}

function indicatorsOf(context: ReadingContext, extension: string): Indicators {
  const { indicators } = context.all.management;
  if (!indicators) throw unsupported(context.node.driver, extension);
  return indicators;
}
