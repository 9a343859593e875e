import type { Answer, Body, Call } from './answer.js';
import type { RedfishFaults } from './fault.js';
import type { RedfishMachine } from './machine.js';
import type { Personality } from './personality.js';
import type { Quirks } from './quirks.js';

/** An event of a service, for a log or an assertion; never contains a password. */
export type RedfishEvent =
  | { kind: 'request'; method: string; path: string; status: number; user: string }
  | { kind: 'reset'; type: string }
  | { kind: 'login'; user: string; how: 'session' | 'basic' }
  | { kind: 'refused-login'; user: string }
  | { kind: 'inserted'; slot: string; url: string; bytes: number }
  | { kind: 'ejected'; slot: string }
  | { kind: 'bios'; act: 'pending' | 'applied' | 'reset'; names: readonly string[] }
  | { kind: 'update'; act: 'stored'; component: string; by: 'pull' | 'push' }
  | { kind: 'update'; act: 'applied' | 'failed'; component: string }
  | { kind: 'boot'; target: string; enabled: string; mode: string }
  | { kind: 'failed'; error: unknown };

/** State that the parts of a service share. */
export interface Board {
  readonly machine: RedfishMachine;
  readonly personality: Personality;
  readonly quirks: Quirks;
  readonly faults: RedfishFaults;
  /** Downloads a URL into a file of this name, from the BMC's place in the network. @throws Error */
  readonly download: (url: string, name: string) => Promise<{ path: string; bytes: number }>;
  event(event: RedfishEvent): void;
  /** Notifies subscribers that this resource has changed. */
  changed(origin: string, messageId: string, text: string): void;
  /** Firmware versions by component: `bios`, `bmc`, `nic`, `cpld`, `loader`. */
  readonly firmware: Map<string, string>;
  /** Called at each start of the machine that this service causes. */
  readonly onStart: (() => void)[];
  /** Restarts the service itself, after the response. */
  restart(): void;
  /** The last change of power, by performance.now(), and its reset type. */
  lastReset: { at: number; type: string };
}

/** A resource; methods that it lacks get 405. */
export interface Resource {
  get?(call: Call): Body;
  patch?(call: Call): Promise<Answer | undefined> | Answer | undefined;
  post?(call: Call): Promise<Answer> | Answer;
  delete?(call: Call): Promise<Answer> | Answer;
  /** The resource with this id below it. */
  child?(id: string): Resource | undefined;
  /** Needs no login. */
  open?: true;
}
export type Resources = Record<string, Resource>;

export interface Paths {
  system: string;
  manager: string;
  chassis: string;
}

export function pathsOf({ system, manager, chassis }: Personality): Paths {
  return {
    system: `/redfish/v1/Systems/${system}`,
    manager: `/redfish/v1/Managers/${manager}`,
    chassis: `/redfish/v1/Chassis/${chassis}`,
  };
}
