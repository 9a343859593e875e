/** The image controllers' settings from the configuration. */
export abstract class ImageApiSettings {
  abstract readonly defaultLimit: number;
  abstract readonly maxLimit: number;
  abstract readonly maxProperties: number;
  abstract readonly maxTags: number;
  abstract readonly maxMembers: number;
  /** Milliseconds without a byte after which an upload is cut. */
  abstract readonly idleTimeout: number;
  abstract readonly importMethods: readonly string[];
}
