import type { Type } from '@nestjs/common';
import { INJECTABLE_WATERMARK, PARAMTYPES_METADATA } from '@nestjs/common/constants.js';

/**
 * The `@Injectable` classes that the constructors of these classes need, transitively: a listed controller brings its
 * editors and finders with it.
 * @param given tokens whose values are provided elsewhere
 */
export function collaborators(classes: readonly Type[], given: ReadonlySet<unknown>): Type[] {
  const found = new Set<Type>();
  const visit = (asking: Type) => {
    const wanted = (Reflect.getMetadata(PARAMTYPES_METADATA, asking) ?? []) as unknown[];
    for (const one of wanted) {
      if (!isInjectable(one) || given.has(one) || found.has(one)) continue;
      found.add(one);
      visit(one);
    }
  };
  for (const one of classes) visit(one);
  return [...found];
}

function isInjectable(one: unknown): one is Type {
  return typeof one === 'function' && Reflect.getMetadata(INJECTABLE_WATERMARK, one) === true;
}
