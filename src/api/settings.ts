/** What controllers take from the configuration. */
export abstract class ApiSettings {
  /** Most items of one list answer, and the default. */
  abstract readonly maxLimit: number;
  /** Seconds of silence after which a conductor counts as dead. */
  abstract readonly conductorTimeout: number;
}

/** What a listener serves beside the Bare Metal API. */
export abstract class Served {
  abstract readonly images: boolean;
}
