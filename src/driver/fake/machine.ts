import { appendFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FakeSettings } from '../../config/section/fake.js';
import { FerricError, InvalidError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import { nearest } from '../../domain/nearest.js';
import { pause } from '../../platform/pause.js';
import type { DriverContext, DriverNode, ReadContext } from '../contract/context.js';
import type { PropertyTable } from '../contract/implementation.js';
import { changedInternal, type InternalInfo, internalOf } from '../contract/internal-info.js';

export const FAKE_PROPERTIES: PropertyTable = {
  'fake_delay_<what>':
    'Seconds that a step (deploy, write_image, inspect_hardware, ...) or an act of an interface (power, management, boot, ...) takes; two numbers with a comma: a random time between them. Optional.',
  'fake_fail_<what>': 'Message with which that step or act fails. Optional.',
  fake_inventory: 'Object that an inspection finds as the inventory. Optional.',
  fake_journal:
    'File in the configured driver.fake_journal_directory to which each effect appends a line when it begins and when it ends. Optional.',
};

/** Acts controlled call by call, in addition to steps and vendor methods. */
const ACTS = ['power', 'management', 'boot', 'console'] as const;

/** Interfaces with a configurable delay. */
export type FakeKind = keyof FakeSettings extends `${infer Kind}_delay` ? Kind : never;

/** One line of the journal. */
export interface FakeCall {
  /** ISO time. */
  at: string;
  node: string;
  operation: string | null;
  effect: string;
  phase: 'begin' | 'end';
}

/**
 * The machine that a fake-hardware node stands for. The results of effects are stored outside of the conductor's memory
 * (journal file, driver_internal_info), as on a real machine, so that they survive a killed conductor.
 */
export class FakeMachine {
  /** Names that fields may control; undefined until steps are known: then names are not checked. */
  private effects: Set<string> | undefined;

  /**
   * @param journalDirectory the directory of files that `fake_journal` names; null: no journals
   * @param delays the default duration of an act
   */
  constructor(
    private readonly journalDirectory: string | null,
    private readonly delays: Readonly<FakeSettings>,
  ) {}

  /** Registers steps and methods for `fake_delay_<what>` and `fake_fail_<what>`, beside the acts of interfaces. */
  knows(effects: Iterable<string>): void {
    this.effects ??= new Set(ACTS);
    for (const effect of effects) this.effects.add(effect);
  }

  /** @throws InvalidError naming every faulty fake_* field */
  validate(context: ReadContext): void {
    const faults: string[] = [];
    for (const [key, value] of Object.entries(context.node.driver_info)) {
      const unknown = this.faultOf(key);
      if (unknown !== undefined) faults.push(unknown);
      else if (key.startsWith('fake_delay_') && seconds(value) === undefined) {
        faults.push(`${key} must be a number of seconds from 0 to 86400, or two with a comma`);
      } else if (key.startsWith('fake_fail_') && typeof value !== 'string') {
        faults.push(`${key} must be a text`);
      }
    }
    try {
      this.journalOf(context);
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      faults.push(error.message);
    }
    if (faults.length > 0) throw new InvalidError(`driver_info: ${faults.join('; ')}`);
  }

  /** The fault of a field's name: an unknown name would be accepted and have no effect. */
  private faultOf(key: string): string | undefined {
    if (!this.effects || !key.startsWith('fake_') || Object.hasOwn(FAKE_PROPERTIES, key)) return undefined;
    const steered = /^(fake_(?:delay|fail)_)(.*)$/.exec(key);
    if (steered && this.effects.has(steered[2]!)) return undefined;
    const names = steered
      ? [...this.effects].map((effect) => `${steered[1]}${effect}`)
      : Object.keys(FAKE_PROPERTIES).filter((name) => !name.includes('<'));
    const near = nearest(key, names);
    return `${key} is of no use to fake hardware${near === undefined ? '' : `: did you mean ${near}?`}`;
  }

  /**
   * ms; drawn anew each time if the delay is a range.
   * @param what a step or an act; the node may set `fake_delay_<what>`
   * @param kind the interface whose configured delay is the default; null: none
   */
  delayOf(context: ReadContext, what: string, kind: FakeKind | null): number {
    const own = context.node.driver_info[`fake_delay_${what}`];
    const range = seconds(own ?? (kind ? this.delays[`${kind}_delay`] : 0)) ?? [0, 0];
    return drawn(range) * 1000;
  }

  /** Whether no act takes time or is recorded outside of the node's row. */
  isOnlyRecord({ driver_info }: DriverNode): boolean {
    const slow = (value: Json | undefined) => !seconds(value)?.every((end) => end === 0);
    return (
      !driver_info['fake_journal'] &&
      !Object.values(this.delays).some(slow) &&
      !Object.entries(driver_info).some(([key, value]) => key.startsWith('fake_delay_') && slow(value))
    );
  }

  /** Fails as `fake_fail_<what>` requests. */
  failIfAsked(context: ReadContext, what: string): void {
    const message = context.node.driver_info[`fake_fail_${what}`];
    if (typeof message === 'string' && message !== '') {
      throw new FerricError(
        ['power', 'management', 'console'].includes(what) ? 'bmc-failed' : 'agent-failed',
        message,
      );
    }
  }

  /** An act on the machine: recorded at its begin and end, and as long as `fake_delay_<what>`. */
  async act(
    context: DriverContext,
    what: (typeof ACTS)[number],
    effect: string,
    state: Partial<InternalInfo>,
  ): Promise<void> {
    const delay = this.delayOf(context, what, what);
    await context.fence(delay + 1_000);
    await this.note(context, null, effect, 'begin');
    if (delay > 0) await pause(delay, context.signal);
    this.failIfAsked(context, what);
    await this.remember(context, state);
    await this.note(context, null, effect, 'end');
  }

  /**
   * When a long effect of an operation began, in ms since 1970, or undefined. It stands for an agent's command list.
   */
  async begunAt(context: DriverContext, operation: string, effect: string): Promise<number | undefined> {
    const journal = this.journalOf(context);
    if (!journal) {
      const at = internalOf(context.node).fake_begun?.[`${operation}/${effect}`];
      return typeof at === 'number' ? at : undefined;
    }
    const line = (await readCalls(journal)).findLast(
      (entry) =>
        entry.node === context.node.uuid &&
        entry.operation === operation &&
        entry.effect === effect &&
        entry.phase === 'begin',
    );
    return line ? Date.parse(line.at) : undefined;
  }

  /**
   * Begins a long effect.
   * @param lasts whether a later entry may find it in progress; the journal records it in any case
   * @returns its begin, ms since 1970
   */
  async begin(context: DriverContext, operation: string, effect: string, lasts: boolean): Promise<number> {
    await context.fence(1_000);
    const now = Date.now();
    if (this.journalOf(context)) await this.note(context, operation, effect, 'begin');
    else if (lasts) await this.remember(context, { fake_begun: { [`${operation}/${effect}`]: now } });
    return now;
  }

  /** Idempotent: each begin gets one end. */
  async end(context: DriverContext, operation: string, effect: string): Promise<void> {
    const journal = this.journalOf(context);
    if (!journal) return;
    const last = (await readCalls(journal)).findLast(
      (entry) => entry.node === context.node.uuid && entry.operation === operation && entry.effect === effect,
    );
    if (last?.phase !== 'end') await this.note(context, operation, effect, 'end');
  }

  async remember(context: DriverContext, state: Partial<InternalInfo>): Promise<void> {
    await context.save({ driver_internal_info: changedInternal(context.node, state) });
  }

  private async note(
    context: DriverContext,
    operation: string | null,
    effect: string,
    phase: FakeCall['phase'],
  ): Promise<void> {
    const journal = this.journalOf(context);
    if (!journal) return;
    const line: FakeCall = {
      at: new Date().toISOString(),
      node: context.node.uuid,
      operation,
      effect,
      phase,
    };
    await appendFile(journal, `${JSON.stringify(line)}\n`);
  }

  private journalOf(context: ReadContext): string | undefined {
    const name = context.node.driver_info['fake_journal'];
    if (name === undefined || name === null || name === '') return undefined;
    if (this.journalDirectory === null) {
      throw new InvalidError('fake_journal needs driver.fake_journal_directory to be configured');
    }
    const inside =
      typeof name === 'string' &&
      /^[\w.-]+$/.test(basename(name)) &&
      !/^\.+$/.test(basename(name)) &&
      (name === basename(name) || name === join(this.journalDirectory, basename(name)));
    if (!inside) throw new InvalidError('fake_journal must name a file in driver.fake_journal_directory');
    return join(this.journalDirectory, basename(name));
  }
}

/** One number, or a range `from,to`. */
function seconds(value: Json | undefined): [number, number] | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const ends = String(value)
    .split(',')
    .map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
  const [from, to = from] = ends;
  const holds = (end: number | undefined): end is number => end !== undefined && end >= 0 && end <= 86_400;
  return ends.length <= 2 && holds(from) && holds(to) ? [from, to] : undefined;
}

/** Triangular distribution, most likely the first end (Ironic: random.triangular(a, b, a)). */
function drawn([from, to]: readonly [number, number]): number {
  return from + (to - from) * (1 - Math.sqrt(Math.random()));
}

async function readCalls(file: string): Promise<FakeCall[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  // A conductor killed while it writes a line leaves one that does not parse: that effect has not begun.
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as FakeCall];
    } catch {
      return [];
    }
  });
}
