import { Client, type QueryConfig } from 'pg';

/** Uses of a text from which on it is prepared: what comes once, or in ever new shapes, is not kept by the server. */
const REPEATED = 3;
/** Statements that each connection may come to hold; one of 70 columns takes the server some 50 KiB. */
const MOST = 200;
/** Texts that are being counted. */
const COUNTED = 2_000;

const names = new Map<string, string>();
const uses = new Map<string, number>();

/** As pg takes it: with a name once its text comes again and again, so that the server parses and plans it once. */
export function prepared(text: string, values: unknown[]): QueryConfig<unknown[]> {
  const name = nameOf(text);
  return name === undefined ? { text, values } : { name, text, values };
}

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size === MOST) return known;
  const count = (uses.get(text) ?? 0) + 1;
  if (count < REPEATED) {
    if (uses.size === COUNTED) uses.clear();
    uses.set(text, count);
    return undefined;
  }
  uses.delete(text);
  const name = `ferric_${names.size}`;
  names.set(text, name);
  return name;
}

type Send = (...given: unknown[]) => Promise<unknown>;

/** The pool's client: TypeORM sends its queries as a text with values, and knows no names for them. */
export class PreparingClient extends Client {
  /** `never`: as many signatures as the method that it overrides. */
  override query(...given: unknown[]): never {
    const send = (super.query as Send).bind(this);
    const [text, values] = given;
    const plain =
      given.length === 2 && typeof text === 'string' && Array.isArray(values) && values.length > 0;
    return (plain ? this.#watched(send(prepared(text, values))) : send(...given)) as never;
  }

  async #watched(sent: Promise<unknown>): Promise<unknown> {
    try {
      return await sent;
    } catch (error) {
      if (isOutOfDate(error)) void this.end();
      throw error;
    }
  }
}

/** Another Ferric has migrated the schema: this connection is of no use, and the pool makes a new one. */
function isOutOfDate(error: unknown): boolean {
  const { code, routine } = error as { code?: string; routine?: string };
  return code === '0A000' && routine === 'RevalidateCachedQuery';
}
