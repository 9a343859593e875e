/** The controllers' settings from the configuration. */
export abstract class ApiSettings {
  /** Maximum and default number of items in a list. */
  abstract readonly maxLimit: number;
  /** Seconds without a heartbeat after which a conductor counts as dead. */
  abstract readonly conductorTimeout: number;
  /** Whether Ferric's DHCP hears the machines: as their server, or as a proxy. */
  abstract readonly hearsDhcp: boolean;
}

/** Services of a listener beside the Bare Metal API. */
export abstract class Served {
  abstract readonly images: boolean;
}
