import type { BootInterface } from './boot.js';
import type { ConsoleInterface } from './console.js';
import type { DeployInterface } from './deploy.js';
import type { Implementation } from './implementation.js';
import type { InspectInterface } from './inspect.js';
import type { ManagementInterface } from './management.js';
import type { NetworkInterface } from './network.js';
import type { PowerInterface } from './power.js';
import type { RaidInterface } from './raid.js';
import type { RescueInterface } from './rescue.js';
import type { StepDeclaration } from './step.js';
import type { VendorInterface } from './vendor.js';

/** Interface kinds of a node, in the API's order. */
export const INTERFACE_KINDS = [
  'bios',
  'boot',
  'console',
  'deploy',
  'firmware',
  'inspect',
  'management',
  'network',
  'power',
  'raid',
  'rescue',
  'storage',
  'vendor',
] as const;
export type InterfaceKind = (typeof INTERFACE_KINDS)[number];

/** An interface that exists by name and refuses to be used (`no-bios`, `noop` network): data, not behaviour. */
export interface PassiveInterface extends Implementation {
  readonly passive: true;
}

/** An interface that consists of steps only; their findings are in the node's records. */
export interface SteppedInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
}

/** The contract of each interface kind. */
export interface ImplementationByKind {
  readonly bios: SteppedInterface;
  readonly boot: BootInterface;
  readonly console: ConsoleInterface;
  readonly deploy: DeployInterface;
  readonly firmware: SteppedInterface;
  readonly inspect: InspectInterface;
  readonly management: ManagementInterface;
  readonly network: NetworkInterface;
  readonly power: PowerInterface;
  readonly raid: RaidInterface;
  readonly rescue: RescueInterface;
  readonly storage: PassiveInterface;
  readonly vendor: VendorInterface;
}

/** A node's interfaces, as the registry resolves them. */
export interface Interfaces extends ImplementationByKind {
  /** The steps of all interfaces. */
  readonly steps: readonly StepDeclaration[];
}

/** A hardware type is data: names in order of preference, the first enabled one is the default. */
export interface HardwareType {
  readonly name: string;
  readonly supports: Readonly<Record<InterfaceKind, readonly string[]>>;
}

/** `{result, reason}` per interface, as validate answers. */
export type ValidationReport = Record<string, { result: boolean; reason?: string }>;
