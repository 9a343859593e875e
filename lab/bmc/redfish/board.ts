import type { Answer, Body, Call } from './answer.js';
import type { RedfishFaults } from './fault.js';
import type { RedfishMachine } from './machine.js';
import type { Personality, Quirks } from './personality.js';

/** What a service did, for a log or an assertion; never a password. */
export type RedfishEvent =
  | { kind: 'request'; method: string; path: string; status: number; user: string }
  | { kind: 'reset'; type: string }
  | { kind: 'login'; user: string; how: 'session' | 'basic' }
  | { kind: 'refused-login'; user: string }
  | { kind: 'inserted'; slot: string; url: string; bytes: number }
  | { kind: 'ejected'; slot: string }
  | { kind: 'boot'; target: string; enabled: string; mode: string }
  | { kind: 'failed'; error: unknown };

/** What the parts of a service share. */
export interface Board {
  readonly machine: RedfishMachine;
  readonly personality: Personality;
  readonly quirks: Quirks;
  readonly faults: RedfishFaults;
  /** Bytes of a URL, from where the BMC stands in the network, in a file of its own. @throws Error */
  readonly download: (url: string, name: string) => Promise<{ path: string; bytes: number }>;
  event(event: RedfishEvent): void;
  /** Something of this resource has changed, for those who listen. */
  changed(origin: string, messageId: string, text: string): void;
  /** The service itself starts anew, after the answer. */
  restart(): void;
  /** By performance.now(): when power was last changed, and by which type of reset. */
  lastReset: { at: number; type: string };
}

/** A resource; a method that it lacks is answered with 405. */
export interface Resource {
  get?(call: Call): Body;
  patch?(call: Call): Promise<Answer | undefined> | Answer | undefined;
  post?(call: Call): Promise<Answer> | Answer;
  delete?(call: Call): Promise<Answer> | Answer;
  /** One below it. */
  child?(id: string): Resource | undefined;
  /** Without a login. */
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
