import { messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';

/** ms for one component to report its state. */
const LIMIT = 3_000;
/** ms for which a result is reused: `/readyz` needs no token, and must not cause a database statement each time. */
const LASTS = 1_000;

export interface Component {
  name: string;
  /** Why it cannot work; null: it can. */
  trouble: string | null;
}

/** Checks one component. @returns why it cannot work; null: it can */
export type Look = () => string | null | Promise<string | null>;

/** Whether the daemon can work, by its components. */
export class Readiness {
  readonly #looks = new Map<string, Look>();
  #stage: 'starting' | 'serving' | 'stopping' = 'starting';
  #last: Component[] = [];
  #looked: { until: number; components: Promise<Component[]> } | null = null;

  /** @param name of the component in the answer and in metrics */
  watch(name: string, look: Look): void {
    this.#looks.set(name, look);
  }

  serving(): void {
    this.#stage = 'serving';
  }

  /** Not ready from here on: load balancers go elsewhere while running requests end. */
  stopping(): void {
    this.#stage = 'stopping';
  }

  /** The result of the last check. */
  get last(): readonly Component[] {
    return this.#last;
  }

  /** Components of at most a second ago; the daemon's own stage is always the present one. */
  async look(): Promise<readonly Component[]> {
    if (!this.#looked || performance.now() > this.#looked.until) {
      const looked = { until: Number.POSITIVE_INFINITY, components: this.#lookAtAll() };
      this.#looked = looked;
      await looked.components;
      looked.until = performance.now() + LASTS;
    }
    const components = await this.#looked.components;
    const stage = { name: 'daemon', trouble: this.#stage === 'serving' ? null : `it is ${this.#stage}` };
    this.#last = [stage, ...components];
    return this.#last;
  }

  #lookAtAll(): Promise<Component[]> {
    const looks = [...this.#looks].map(async ([name, look]) => ({ name, trouble: await troubleOf(look) }));
    return Promise.all(looks);
  }
}

async function troubleOf(look: Look): Promise<string | null> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(
    contained(
      'a look at readiness',
      () => resolve(`no answer within ${LIMIT / 1000} s`),
      (error) => resolve(messageOf(error)),
    ),
    LIMIT,
  );
  try {
    return await Promise.race([late, look()]);
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(timer);
  }
}
