/** Which methods each path has, to tell 405 from 404. Filled while the router is built. */
export class RouteTable {
  readonly #routes: { method: string; url: string; pattern: RegExp }[] = [];

  /** @param url as the router has it, e.g. `/v1/nodes/:ident` */
  add(method: string, url: string): void {
    const source = url
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join('/');
    this.#routes.push({ method, url, pattern: new RegExp(`^${source}$`) });
  }

  /** @param url path and query of a request */
  methodsOf(url: string): string[] {
    const path = url.split('?', 1)[0]!;
    const methods = this.#routes.filter((route) => route.pattern.test(path)).map((route) => route.method);
    return [...new Set(methods)].toSorted();
  }

  all(): readonly { method: string; url: string }[] {
    return this.#routes;
  }
}
