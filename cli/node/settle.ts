import { setTimeout as sleep } from 'node:timers/promises';
import {
  conditionOf,
  isProvisionState,
  nextByVerb,
  targetAfter,
} from '../../src/domain/provision/machine.js';
import type { ProvisionVerb } from '../../src/domain/provision/table.js';
import type { NodeApi, NodeRow } from '../api/node-api.js';
import { ApiError, NodeOutcomeError } from '../exit-status.js';
import { plain, plainLine } from './plain-text.js';

/** ms between two looks at a node. */
const PACE = 500;
const SLOWEST = 5_000;
const AWAY = 'the daemon is away';

export interface Waiting {
  /** ms; undefined: no limit. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal;
  /** Hears of each change of the node's state, and of a daemon that does not answer. */
  readonly tell: (text: string) => void;
}

/** The state that a verb ends in; null: any in which the node is idle. */
export function goalOf(
  before: Pick<NodeRow, 'provision_state' | 'target_provision_state'>,
  verb: ProvisionVerb,
): string | null {
  const { provision_state: state, target_provision_state: target } = before;
  if (verb === 'abort' || !isProvisionState(state)) return null;
  const row = nextByVerb(state, verb);
  return row && (targetAfter(row, target) ?? row.to);
}

/**
 * Waits until nothing works on the node any more. A daemon that is away is waited for, too.
 * @param goal the state that counts as success; null: any idle one
 * @throws NodeOutcomeError 8 when it failed or ended elsewhere, 124 at the end of the time
 */
export async function settle(
  api: NodeApi,
  node: string,
  goal: string | null,
  waiting: Waiting,
): Promise<NodeRow> {
  const end = waiting.timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + waiting.timeout;
  let [shown, told] = ['', ''];
  for (let pace = PACE; ; pace = Math.min(pace * 1.2, SLOWEST)) {
    const row = await look(api, node);
    const state = row?.provision_state ?? AWAY;
    if (state !== told) {
      waiting.tell(row ? plain(state) : AWAY);
      told = state;
      if (row) shown = state;
      pace = PACE;
    }
    if (row && isSettled(state)) {
      if (goal === null ? isIdle(state) : state === goal) return row;
      throw new NodeOutcomeError(8, await failureText(api, row, goal));
    }
    const left = end - performance.now();
    if (left <= 0)
      throw new NodeOutcomeError(124, `it is still ${shown === '' ? 'not to be seen' : shown}, and goes on`);
    await sleep(Math.min(pace, left), undefined, { signal: waiting.signal });
  }
}

/** @returns undefined while the daemon is away */
async function look(api: NodeApi, node: string): Promise<NodeRow | undefined> {
  try {
    return await api.brief(node);
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== undefined && error.status < 500)) throw error;
    return undefined;
  }
}

function isSettled(state: string): boolean {
  return !isProvisionState(state) || ['idle', 'failed'].includes(conditionOf(state));
}

function isIdle(state: string): boolean {
  return isProvisionState(state) && conditionOf(state) === 'idle';
}

async function failureText(api: NodeApi, row: NodeRow, goal: string | null): Promise<string> {
  const wanted = goal === null ? '' : `, not ${goal}`;
  const error = typeof row['last_error'] === 'string' ? `: ${plainLine(row['last_error'])}` : '';
  const head = `it is ${plainLine(row.provision_state)}${wanted}${error}`;
  // Another service that speaks the Bare Metal API has no such route.
  const why = await api.why(row.uuid).catch((fault: unknown) => {
    if (fault instanceof ApiError) return null;
    throw fault;
  });
  if (why?.outcome !== 'failed') return head;
  return [
    head,
    plainLine(why.cause),
    plainLine(why.seen),
    ...why.next.map((next) => `- ${plainLine(next)}`),
  ].join('\n  ');
}
