import type { Microversion } from '../microversion/microversion.js';
import type { DeclaredRoute } from '../routes.js';

/** The methods of each path, to tell 405 from 404. Filled while the router is built. */
export class RouteTable {
  readonly #routes: { method: string; url: string; pattern: RegExp }[] = [];
  readonly #declared: { pattern: RegExp; since: number; hides: boolean }[];

  /** @param declared declarations of the routes */
  constructor(declared: readonly Pick<DeclaredRoute, 'path' | 'since' | 'hides'>[] = []) {
    this.#declared = declared.map(({ path, since = 1, hides }) => ({
      pattern: patternOf(path),
      since,
      hides,
    }));
  }

  /** @param url in the router's notation, e.g. `/v1/nodes/:ident` */
  add(method: string, url: string): void {
    this.#routes.push({ method, url, pattern: patternOf(url) });
  }

  /** @param url path and query of a request */
  methodsOf(url: string): string[] {
    const path = url.split('?', 1)[0]!;
    const methods = this.#routes.filter((route) => route.pattern.test(path)).map((route) => route.method);
    return [...new Set(methods)].toSorted();
  }

  /** @returns whether the path exists at a version; a route that does not hide from older requests always does */
  isThere(url: string, version: Microversion): boolean {
    const path = url.split('?', 1)[0]!;
    const here = this.#declared.filter(({ pattern }) => pattern.test(path));
    return here.length === 0 || here.some(({ since, hides }) => !hides || version.has(since));
  }

  all(): readonly { method: string; url: string }[] {
    return this.#routes;
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${source}$`);
}
