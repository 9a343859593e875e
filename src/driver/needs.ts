import { FerricError, messageOf } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import type { Implementation, Startable } from './contract/implementation.js';
import type { InterfaceKind } from './contract/interfaces.js';

export interface NamedImplementation {
  readonly kind: InterfaceKind;
  readonly implementation: Implementation;
}

/** Dependencies of implementations: each is started once, and stopped in reverse order. */
export class Needs {
  private readonly started: Startable[] = [];

  /**
   * @param implementations those that may be used; duplicates are allowed
   * @throws FerricError of the first dependency that does not start; the earlier ones are stopped again
   */
  async start(implementations: readonly NamedImplementation[], log: Logger): Promise<void> {
    for (const [need, names] of needsOf(implementations)) {
      try {
        const told = await need.start?.();
        this.started.push(need);
        log.info(`driver: ${need.name}${told === undefined ? '' : ` ${told}`}`);
      } catch (error) {
        await this.stop(log);
        if (!(error instanceof FerricError)) throw error;
        throw new FerricError(
          error.code,
          `These enabled interfaces cannot work here: ${names.join(', ')}. ${error.message}`,
          { cause: error },
        );
      }
    }
  }

  async stop(log: Logger, hurry?: AbortSignal): Promise<void> {
    for (let last = this.started.pop(); last; last = this.started.pop()) {
      try {
        await last.stop?.(hurry);
      } catch (error) {
        log.error({ part: last.name, error: messageOf(error) }, 'did not stop in order');
      }
    }
  }
}

/** Each dependency once, with the names of the implementations that need it: `power ipmitool`. */
function needsOf(implementations: readonly NamedImplementation[]): Map<Startable, string[]> {
  const needs = new Map<Startable, Set<string>>();
  for (const { kind, implementation } of implementations) {
    if (!implementation.needs) continue;
    const names = needs.get(implementation.needs) ?? new Set();
    needs.set(implementation.needs, names.add(`${kind} ${implementation.name}`));
  }
  return new Map([...needs].map(([need, names]) => [need, [...names]]));
}
