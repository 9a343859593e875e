import type { DataSource } from 'typeorm';
import type { Actor } from '../../domain/actor.js';
import { InvalidError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { VendorMethod } from '../../driver/contract/vendor.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { Fence } from '../../persistence/node/fence.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import { type Actions, actionOf } from '../execution/actions.js';
import type { Changes } from '../execution/changes.js';
import type { NodeContexts, ReadingContext } from '../execution/node-context.js';
import type { Reserving } from '../execution/reservation.js';
import { refuseUnknown } from './unknown-driver.js';

type Metadata = Omit<VendorMethod, 'validate' | 'run'>;
export interface VendorAnswer {
  /** Accepted and not done yet: there is no result. */
  readonly async: boolean;
  readonly attach: boolean;
  readonly result: Json;
}

/** Vendor methods of nodes and of hardware types (Ironic: manager.vendor_passthru). */
export class VendorService {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      changes: Changes;
      contexts: NodeContexts;
      registry: DriverRegistry;
      reservations: Reserving;
      actions: Actions;
    },
  ) {}

  async methods(ident: string): Promise<Record<string, Metadata>> {
    const { vendor } = this.deps.registry.resolve(await this.deps.nodes.get(ident));
    return Object.fromEntries(
      // Sorted by name, as Ironic's.
      Object.entries(vendor.methods)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { validate: _v, run: _r, ...metadata }]) => [name, metadata]),
    );
  }

  /** Empty: no interface has methods for a whole hardware type. @throws NotFoundError for an unknown driver */
  driverMethods(driver: string): Record<string, Metadata> {
    refuseUnknown(this.deps.registry, driver);
    return {};
  }

  /** @throws NotFoundError for an unknown driver, else InvalidError: see `driverMethods` */
  callDriver(driver: string, method: string): never {
    refuseUnknown(this.deps.registry, driver);
    throw noHandler(method);
  }

  async call(
    ident: string,
    method: string,
    httpMethod: string,
    given: JsonObject,
    by: Actor,
  ): Promise<VendorAnswer> {
    const { source, nodes, reservations, contexts, actions, changes } = this.deps;
    const node = await nodes.get(ident);
    const called = this.#find(node, method, httpMethod);
    const args = { method, http_method: httpMethod, given };
    const run = async (context: ReadingContext, at: Node, fence: Fence | null) => {
      await context.all.vendor.validate(context);
      called.validate?.(given);
      if (!called.async) {
        const result = await called.run(context, given, httpMethod);
        if (httpMethod !== 'GET') await changes.write(actionOf(at, `vendor_passthru ${method}`, by), source);
        return answer(called, result);
      }
      await actions.begin(at, 'vendor_passthru', args, fence, by);
      return answer(called, null);
    };
    return actions.retried(async () => {
      if (!called.require_exclusive_lock) {
        return contexts.forReading(node, {}, (context) => run(context, node, null));
      }
      return reservations.reserved(node.uuid, (reservation) => {
        const { node: held, fence, signal } = reservation;
        return contexts.forWork(reservation, held, signal, (context) => run(context, held, fence));
      });
    });
  }

  #find(node: Node, method: string, httpMethod: string): VendorMethod {
    const { methods } = this.deps.registry.resolve(node).vendor;
    const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!found) throw noHandler(method);
    if (!found.http_methods.includes(httpMethod)) {
      throw new InvalidError(`The method ${method} does not support HTTP ${httpMethod}`);
    }
    return found;
  }
}

function noHandler(method: string): InvalidError {
  return new InvalidError(`No handler for method ${method.slice(0, 100)}`);
}

function answer({ async, attach }: VendorMethod, result: Json): VendorAnswer {
  return { async, attach, result };
}
