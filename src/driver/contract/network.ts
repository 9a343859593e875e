import type { JsonObject } from '../../domain/json.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** A port of a virtual network, with its id in that network. */
export type Vif = JsonObject & { readonly id: string };

/** How a node is connected to networks. */
export interface NetworkInterface extends Implementation {
  listVifs(context: ReadContext): Promise<Vif[]>;
  /** @throws ConflictError if it is attached already, or if no port is free */
  attachVif(context: DriverContext, vif: Vif): Promise<void>;
  /** @throws InvalidError if it is not attached */
  detachVif(context: DriverContext, id: string): Promise<void>;
}
