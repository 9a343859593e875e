import { FerricError } from '../domain/errors.js';

type Classes = Readonly<Record<string, new (all: never) => object>>;
type InstancesOf<C extends Classes> = { readonly [K in keyof C]: InstanceType<C[K]> };
/** The constructor of each class names its parts; each part must be given or be in the table. */
type Fitting<Given, C extends Classes> = {
  readonly [K in keyof C]: new (
    all: Given & InstancesOf<C>,
  ) => object;
};

/**
 * One instance of each class of a table. Each constructor takes one object and reads its parts from it by name: those
 * given, and the other instances, in any order of the table. Wrong or missing names do not compile.
 * @throws FerricError `internal` for classes whose constructors need each other
 */
export function composed<Given extends object, const C extends Classes>(
  given: Given,
  classes: C & Fitting<Given, C>,
): Given & InstancesOf<C> {
  const all = Object.create(null, Object.getOwnPropertyDescriptors(given)) as Record<string, unknown>;
  const making: string[] = [];
  for (const [name, Class] of Object.entries<new (all: never) => object>(classes)) {
    let made: object | undefined;
    const get = () => {
      if (made) return made;
      if (making.includes(name)) {
        throw new FerricError('internal', `made of each other: ${[...making, name].join(' → ')}`);
      }
      making.push(name);
      made = new Class(all as never);
      making.pop();
      return made;
    };
    Object.defineProperty(all, name, { get, enumerable: true });
  }
  for (const name of Object.keys(classes)) void all[name];
  return all as Given & InstancesOf<C>;
}
