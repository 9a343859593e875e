/** Ways in which a machine shows itself on the network while it boots. */
export const SIGHTING_KINDS = ['dhcp', 'tftp', 'http', 'lookup', 'heartbeat'] as const;
export type SightingKind = (typeof SIGHTING_KINDS)[number];

/** A machine, seen once. */
export interface Sighting {
  readonly node_uuid: string;
  readonly kind: SightingKind;
  /** dhcp: the program that asked; tftp and http: the file; else empty. */
  readonly name: string;
  /** IP address. */
  readonly source: string;
  /** Sent to it. */
  readonly bytes: number;
}
