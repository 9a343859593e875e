import type { DriverSettings } from '../config/section/driver.js';
import { ForbiddenError, InvalidError, NotFoundError } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import type { Implementation, PropertyTable } from './contract/implementation.js';
import {
  type HardwareType,
  type ImplementationByKind,
  INTERFACE_KINDS,
  type InterfaceKind,
  type Interfaces,
} from './contract/interfaces.js';
import type { StepDeclaration } from './contract/step.js';
import { type NamedImplementation, Needs } from './needs.js';

/** Every implementation that was built, enabled or not. */
export type ImplementationTable = {
  readonly [Kind in InterfaceKind]: readonly ImplementationByKind[Kind][];
};

/** The node's driver and its `<kind>_interface` fields; an empty field takes the default. */
export type InterfaceChoice = { readonly driver: string } & {
  readonly [Kind in InterfaceKind as `${Kind}_interface`]?: string | null;
};

/** As `GET /v1/drivers` with detail shows a driver: `type`, `default_<kind>_interface`, `enabled_<kind>_interfaces`. */
export type DriverDescription = { readonly name: string; readonly type: 'dynamic' } & {
  readonly [Kind in InterfaceKind as `default_${Kind}_interface`]: string;
} & { readonly [Kind in InterfaceKind as `enabled_${Kind}_interfaces`]: readonly string[] };

/** The implementations of each node. Built once at start; a fault of the configuration stops the start. */
export class DriverRegistry {
  private readonly types = new Map<string, HardwareType>();
  private readonly table: ImplementationTable;
  private readonly settings: DriverSettings;
  private readonly resolved = new Map<string, Interfaces>();
  private readonly enabled = new Map<string, readonly string[]>();
  private readonly needs = new Needs();
  /** Raw steps of all implementations, `interface.step`. */
  private readonly raw: ReadonlySet<string>;

  /** @throws InvalidError listing every fault of the enabled and default names */
  constructor(parts: {
    hardwareTypes: readonly HardwareType[];
    implementations: ImplementationTable;
    settings: DriverSettings;
  }) {
    this.table = parts.implementations;
    this.settings = parts.settings;
    const known = new Map(parts.hardwareTypes.map((type) => [type.name, type]));
    const faults: string[] = [];
    for (const name of new Set(parts.settings.enabled_hardware_types)) {
      const type = known.get(name);
      if (type) this.types.set(name, type);
      else
        faults.push(
          `driver.enabled_hardware_types: no hardware type ${name}; there are ${[...known.keys()].join(', ')}`,
        );
    }
    if (this.types.size === 0) faults.push('driver.enabled_hardware_types: none is enabled');
    for (const kind of INTERFACE_KINDS) faults.push(...this.faultsOf(kind));
    this.raw = new Set(
      INTERFACE_KINDS.flatMap((kind) => this.table[kind].flatMap((one) => stepsOf(one)))
        .filter((step) => step.raw)
        .map((step) => `${step.interface}.${step.name}`),
    );
    const misnamed = parts.settings.allowed_raw_steps.filter((name) => !this.raw.has(name));
    if (misnamed.length > 0) {
      faults.push(
        `driver.allowed_raw_steps: ${misnamed.join(', ')} is no raw step; there are ${[...this.raw].join(', ')}`,
      );
    }
    if (faults.length > 0) throw new InvalidError(faults.join('\n'));
  }

  /** In alphabetical order. */
  driverNames(): string[] {
    return [...this.types.keys()].toSorted();
  }

  isEnabled(driver: string): boolean {
    return this.types.has(driver);
  }

  /** The name of each interface of the node: its own, else the configured default, else the first enabled. */
  namesFor(choice: InterfaceChoice): Record<InterfaceKind, string> {
    const type = this.typeOf(choice.driver);
    return Object.fromEntries(
      INTERFACE_KINDS.map((kind) => [kind, choice[`${kind}_interface`] || this.defaultOf(type, kind)]),
    ) as Record<InterfaceKind, string>;
  }

  /** @throws NotFoundError for a driver that is not enabled */
  defaultsFor(driver: string): Record<InterfaceKind, string> {
    return this.namesFor({ driver });
  }

  /**
   * Checks a `<kind>_interface` value for a driver.
   * @throws InvalidError in Ironic's words when it is unknown, not enabled or not supported by the driver
   */
  checkName(driver: string, kind: InterfaceKind, name: string): void {
    const enabled = this.enabledNames(kind);
    if (!enabled.includes(name)) {
      const valid = enabled.toSorted().map((n) => `'${n}'`);
      throw new InvalidError(
        `Could not find the following interface in the 'ironic.hardware.interfaces.${kind}' entrypoint: ` +
          `${name}. Valid interfaces are [${valid.join(', ')}].`,
      );
    }
    const type = this.typeOf(driver);
    if (!type.supports[kind].includes(name)) {
      const valid = this.enabledFor(type, kind).map((n) => `'${n}'`);
      throw new InvalidError(
        `${kind} interface '${name}' is not supported by hardware type '${driver}'. ` +
          `Supported and enabled are [${valid.join(', ')}].`,
      );
    }
  }

  /**
   * The node's implementations.
   * @throws NotFoundError if the driver is not enabled, InvalidError if an interface is not
   */
  resolve(choice: InterfaceChoice): Interfaces {
    const names = this.namesFor(choice);
    const key = INTERFACE_KINDS.map((kind) => names[kind]).join(' ');
    const cached = this.resolved.get(`${choice.driver} ${key}`);
    if (cached) return cached;
    for (const kind of INTERFACE_KINDS) this.checkName(choice.driver, kind, names[kind]);
    const chosen = Object.fromEntries(
      INTERFACE_KINDS.map((kind) => [kind, named<Implementation>(this.table[kind], names[kind])]),
    ) as unknown as ImplementationByKind;
    const interfaces: Interfaces = {
      ...chosen,
      steps: INTERFACE_KINDS.flatMap((kind) => stepsOf(chosen[kind])).filter(
        (step) => !step.raw || this.allows(`${step.interface}.${step.name}`),
      ),
    };
    this.resolved.set(`${choice.driver} ${key}`, interfaces);
    return interfaces;
  }

  /**
   * Checks the steps of a request, a runbook or a deploy template.
   * @throws ForbiddenError for raw steps that the configuration does not allow, whatever the node
   */
  refuseRaw(steps: readonly { readonly interface: string; readonly step: string }[]): void {
    const named = steps.map((step) => `${step.interface}.${step.step}`);
    const refused = named.find((name) => this.raw.has(name) && !this.allows(name));
    if (refused === undefined) return;
    throw new ForbiddenError(
      `The step ${refused} gives the whole of the BMC to whoever asks for it, and is refused as a step: a system ` +
        `administrator has it by vendor passthru, or names it in driver.allowed_raw_steps of the configuration.`,
    );
  }

  private allows(name: string): boolean {
    return this.settings.allowed_raw_steps.includes(name);
  }

  /** All driver_info keys of the driver's enabled interfaces. */
  properties(driver: string): PropertyTable {
    const type = this.typeOf(driver);
    const all = INTERFACE_KINDS.flatMap((kind) =>
      this.enabledFor(type, kind).flatMap((name) =>
        Object.entries(named<Implementation>(this.table[kind], name).properties),
      ),
    );
    return Object.fromEntries(all);
  }

  describe(driver: string): DriverDescription {
    const type = this.typeOf(driver);
    return {
      name: driver,
      type: 'dynamic',
      ...Object.fromEntries(
        INTERFACE_KINDS.flatMap((kind) => [
          [`default_${kind}_interface`, this.defaultOf(type, kind)],
          [`enabled_${kind}_interfaces`, this.enabledFor(type, kind)],
        ]),
      ),
    } as DriverDescription;
  }

  /**
   * Starts the dependencies of the enabled interfaces of the enabled hardware types, each once.
   * @throws FerricError of the first that does not start, naming who needs it; the earlier ones are stopped again
   */
  start(log: Logger): Promise<void> {
    return this.needs.start(this.enabledImplementations(), log);
  }

  /** In reverse order. A dependency that does not stop is logged and blocks no other. */
  stop(log: Logger, hurry?: AbortSignal): Promise<void> {
    return this.needs.stop(log, hurry);
  }

  private enabledImplementations(): NamedImplementation[] {
    return [...this.types.values()].flatMap((type) =>
      INTERFACE_KINDS.flatMap((kind) =>
        this.enabledFor(type, kind).map((name) => ({
          kind,
          implementation: named<Implementation>(this.table[kind], name),
        })),
      ),
    );
  }

  private typeOf(driver: string): HardwareType {
    const type = this.types.get(driver);
    if (!type) {
      throw new NotFoundError(`Could not find the following driver(s) or hardware type(s): ${driver}.`);
    }
    return type;
  }

  private enabledNames(kind: InterfaceKind): readonly string[] {
    return this.settings[`enabled_${kind}_interfaces`];
  }

  /** Enabled names, in the hardware type's order of preference. */
  private enabledFor(type: HardwareType, kind: InterfaceKind): readonly string[] {
    const key = `${type.name} ${kind}`;
    const known = this.enabled.get(key);
    if (known) return known;
    const names = type.supports[kind].filter((name) => this.enabledNames(kind).includes(name));
    this.enabled.set(key, names);
    return names;
  }

  private defaultOf(type: HardwareType, kind: InterfaceKind): string {
    // One of both exists: the constructor refused a configuration without.
    return this.settings[`default_${kind}_interface`] ?? this.enabledFor(type, kind)[0]!;
  }

  private faultsOf(kind: InterfaceKind): string[] {
    const faults: string[] = [];
    const built = this.table[kind].map((implementation) => implementation.name);
    for (const name of this.enabledNames(kind)) {
      if (!built.includes(name)) {
        faults.push(
          `driver.enabled_${kind}_interfaces: no ${kind} interface ${name}; there are ${built.join(', ')}`,
        );
      }
    }
    const fallback = this.settings[`default_${kind}_interface`];
    if (fallback !== null && !this.enabledNames(kind).includes(fallback)) {
      faults.push(`driver.default_${kind}_interface: ${fallback} is not enabled`);
    }
    for (const type of this.types.values()) {
      if (this.enabledFor(type, kind).length === 0) {
        faults.push(
          `driver.enabled_${kind}_interfaces: hardware type ${type.name} needs one of ${type.supports[kind].join(', ')}`,
        );
      } else if (fallback !== null && !type.supports[kind].includes(fallback)) {
        faults.push(
          `driver.default_${kind}_interface: hardware type ${type.name} does not support ${fallback}`,
        );
      }
    }
    return faults;
  }
}

function named<T extends Implementation>(all: readonly T[], name: string): T {
  const found = all.find((implementation) => implementation.name === name);
  if (!found) throw new InvalidError(`There is no interface ${name}.`);
  return found;
}

function stepsOf(implementation: Implementation & { steps?: readonly StepDeclaration[] }) {
  return implementation.steps ?? [];
}
