import type { Json, JsonObject } from '../../src/domain/json.js';
import type { StepOutcome, Wake } from '../../src/domain/step/step.js';
import type { DriverNode, DriverPort, NodeChanges } from '../../src/driver/contract/context.js';
import type { Interfaces } from '../../src/driver/contract/interfaces.js';
import type { StepContext } from '../../src/driver/contract/step.js';
import { createLogger } from '../../src/platform/logger.js';

export const NODE_UUID = '7daa1a92-c3d7-4add-aaed-66fcbba58912';

/** A node and the conductor's side of a driver call, in memory: `committed` is the content of the database. */
export class DriverBench {
  committed: DriverNode;
  readonly fences: number[] = [];
  readonly lines: string[] = [];
  /** The node's history. */
  readonly told: string[] = [];
  readonly abort = new AbortController();
  ports: DriverPort[] = [];
  attended = true;
  saved: Json = null;
  operation = '11111111-2222-4333-8444-555555555555';
  kind = 'deploy';

  constructor(fields: Partial<DriverNode> = {}) {
    this.committed = {
      uuid: NODE_UUID,
      name: 'bench-1',
      driver: 'ipmi',
      driver_info: {},
      driver_internal_info: {},
      instance_info: {},
      instance_uuid: null,
      properties: {},
      extra: {},
      power_state: null,
      provision_state: 'deploying',
      target_provision_state: 'active',
      disable_power_off: false,
      network_data: {},
      target_raid_config: {},
      ...fields,
    };
  }

  /** A context for one call. */
  context(
    interfaces?: Interfaces,
    entry: { step?: string; args?: JsonObject; wake?: Wake; attempt?: number } = {},
  ): StepContext {
    const bench = this;
    return {
      get node() {
        return bench.committed;
      },
      get ports() {
        return bench.ports;
      },
      log: createLogger('debug', { write: (line) => void bench.lines.push(line) }),
      attended: bench.attended,
      signal: bench.abort.signal,
      async save(changes: NodeChanges) {
        bench.committed = { ...bench.committed, ...structuredClone(changes) };
      },
      async fence(duration: number) {
        bench.fences.push(duration);
      },
      untimed: (work) => work(),
      interfaces: interfaces as Interfaces,
      operation: { uuid: bench.operation, kind: bench.kind },
      step: { name: entry.step ?? '', interface: 'deploy', args: entry.args ?? {} },
      wake: entry.wake ?? 'start',
      saved: bench.saved,
      attempt: entry.attempt ?? 1,
      async checkpoint(value: Json) {
        bench.saved = value;
      },
      async tell(text: string) {
        bench.told.push(text);
      },
    };
  }

  /** Runs a step until it is done, polling as it requests. */
  async drive(
    interfaces: Interfaces,
    run: (context: StepContext) => Promise<StepOutcome>,
    entry: { step: string; args?: JsonObject; wake?: Wake },
  ): Promise<{ outcome: StepOutcome; polls: number }> {
    this.saved = null;
    let outcome = await run(this.context(interfaces, entry));
    let polls = 0;
    while (outcome.is === 'wait') {
      if (++polls > 200) throw new Error('the step never ends');
      if (outcome.checkpoint !== undefined) this.saved = outcome.checkpoint;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.min(outcome.is === 'wait' ? (outcome.pollAfter ?? 20) : 0, 50)),
      );
      outcome = await run(this.context(interfaces, { ...entry, wake: 'poll', attempt: polls + 1 }));
    }
    return { outcome, polls };
  }
}
