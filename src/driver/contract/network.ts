import type { JsonObject } from '../../domain/json.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** A port of a virtual network, by the id that its network knows it by. */
export type Vif = JsonObject & { readonly id: string };

/** How a node is plugged into networks. */
export interface NetworkInterface extends Implementation {
  listVifs(context: ReadContext): Promise<Vif[]>;
  /** @throws ConflictError for one that is attached already, or when no port is free */
  attachVif(context: DriverContext, vif: Vif): Promise<void>;
  /** @throws InvalidError for one that is not attached */
  detachVif(context: DriverContext, id: string): Promise<void>;
}
