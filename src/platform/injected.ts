import type { FactoryProvider, Type } from '@nestjs/common';

declare const VALUE: unique symbol;
/** Token of a container value that is not identified by a class; it carries the value's type. */
export type ValueToken<T> = symbol & { readonly [VALUE]?: T };

export function valueToken<T>(name: string): ValueToken<T> {
  return Symbol(name);
}

type ClassToken = abstract new (...args: never[]) => object;
export type Token = ValueToken<unknown> | ClassToken;
type Tokens = Readonly<Record<string, Token>>;

/** The type of the container's value under a token. */
export type Held<T extends Token> = T extends abstract new (
  ...args: never[]
) => infer V
  ? V
  : T extends ValueToken<infer V>
    ? V
    : never;
/** The parts of a table of tokens, by name. */
export type PartsOf<T extends Injected<Tokens>> = T extends Injected<infer N> ? NamedParts<N> : never;
type NamedParts<T extends Tokens> = { readonly [K in keyof T]: Held<T[K]> };

/** Names and their tokens. The type of a factory's parts and Nest's `inject` follow from the same table. */
export class Injected<T extends Tokens> {
  constructor(readonly tokens: T) {}

  /** A provider of `token`, built from the parts. */
  provide<K extends Token>(
    token: K,
    make: (parts: NamedParts<T>) => Held<K> | Promise<Held<K>>,
  ): FactoryProvider<Held<K>> {
    return {
      provide: token as InNest,
      inject: Object.values(this.tokens) as InNest[],
      useFactory: (...held: readonly unknown[]) => make(this.#named((index) => held[index])),
    };
  }

  /** The parts, from a started container. @throws Nest's Error for a token that it does not hold */
  from(container: Container): NamedParts<T> {
    const wanted = Object.values(this.tokens) as InNest[];
    return this.#named((index) => container.get(wanted[index] as InNest, { strict: false }));
  }

  #named(held: (index: number) => unknown): NamedParts<T> {
    const named = Object.keys(this.tokens).map((name, index) => [name, held(index)] as const);
    return Object.fromEntries(named) as NamedParts<T>;
  }
}

/** Both kinds of token as Nest takes them. */
type InNest = Type | symbol;

/** The part of INestApplicationContext that is used here. */
export interface Container {
  get(token: InNest, options: { strict: false }): unknown;
}

/** `{ nodes: NodeRepository, config: CONFIG }`: its parts are `{ nodes, config }`, typed. */
export function injected<const T extends Tokens>(tokens: T): Injected<T> {
  return new Injected(tokens);
}
