import { expect, it } from 'vitest';
import { composed } from '../../../src/platform/composed.js';
import { injected, valueToken } from '../../../src/platform/injected.js';

class Engine {
  readonly power = 90;
}
const COLOUR = valueToken<string>('colour');
const PARTS = injected({ engine: Engine, colour: COLOUR });

it('asks the container for the tokens of the table, and hands on their values by its names', async () => {
  const provider = PARTS.provide(
    valueToken<string>('car'),
    ({ engine, colour }) => `${colour} ${engine.power}`,
  );
  expect(provider.inject).toEqual([Engine, COLOUR]);
  expect(await provider.useFactory(new Engine(), 'red')).toBe('red 90');
});

it('reads the parts out of a container that was started', () => {
  const held = new Map<unknown, unknown>([
    [Engine, new Engine()],
    [COLOUR, 'green'],
  ]);
  const parts = PARTS.from({ get: (token) => held.get(token) });
  expect(parts.engine.power + parts.colour.length).toBe(95);
});

it('lets no factory make anything else than its token names', () => {
  // @ts-expect-error a text is no engine
  PARTS.provide(Engine, ({ colour }) => colour);
  // @ts-expect-error no such part
  PARTS.provide(COLOUR, ({ paint }) => paint);
});

class Wheels {
  constructor(readonly deps: { size: number }) {}
}
class Axle {
  readonly length: number;
  constructor({ wheels }: { wheels: Wheels }) {
    this.length = wheels.deps.size * 2;
  }
}

it('makes each class of a table from what was given and from the others, whatever their order', () => {
  const car = composed({ size: 3 }, { axle: Axle, wheels: Wheels });
  expect(car.axle.length).toBe(6);
  expect(car.wheels).toBe(car.wheels);
});

it('compiles no table that lacks a part or has it under another type', () => {
  // @ts-expect-error nobody gives a size
  expect(composed({}, { wheels: Wheels }).wheels.deps.size).toBeUndefined();
  // @ts-expect-error the size is a number
  expect(composed({ size: 'large' }, { wheels: Wheels }).wheels.deps.size).toBe('large');
});

it('says which classes need each other', () => {
  class Hen {
    constructor(readonly from: { egg: object }) {
      void from.egg;
    }
  }
  class Egg {
    constructor(readonly from: { hen: object }) {
      void from.hen;
    }
  }
  expect(() => composed({}, { hen: Hen, egg: Egg })).toThrow('made of each other: hen → egg → hen');
});
