import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/json.js';
import type { StepContext } from '../../../src/driver/contract/step.js';
import { FirmwareBed as Bed } from '../../support/firmware-bed.js';
import type { RedfishRack } from '../../support/redfish-rack.js';

class Killed extends Error {}

/** Runs the step, dies right before its `at`-th request or checkpoint, and is entered again as after a restart. */
async function dying(bed: Bed, settings: JsonObject[], at: number): Promise<'lived' | 'went on'> {
  const { bench, driver } = bed;
  let acts = 0;
  let alive = true;
  const mortal = (context: StepContext): StepContext =>
    Object.create(context, {
      fence: {
        value: async () => {
          if (alive && ++acts === at) throw new Killed();
        },
      },
      checkpoint: {
        value: async (value: never) => {
          if (alive && ++acts === at) throw new Killed();
          await context.checkpoint(value);
        },
      },
    }) as StepContext;
  bench.saved = null;
  for (let polls = 0, wake: 'start' | 'poll' | 'restart' = 'start'; polls < 400; polls++) {
    const context = bench.context(driver.interfaces, { step: 'update', args: { settings }, wake });
    try {
      const outcome = await bed.step(mortal(context));
      if (outcome.is !== 'wait') return alive ? 'lived' : 'went on';
      if (outcome.checkpoint !== undefined) bench.saved = outcome.checkpoint;
      await sleep(10);
      wake = 'poll';
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      alive = false;
      wake = 'restart';
    }
  }
  throw new Error('the step never ends');
}

describe('a conductor that dies in an update', { timeout: 300_000 }, () => {
  const life = async (
    options: Parameters<typeof RedfishRack.up>[0],
    settings: (bed: Bed) => JsonObject[],
    expected: { updates: string[]; done: string[] },
  ) => {
    let went = 0;
    for (let at = 1; at < 200; at++) {
      await using bed = await Bed.up(options);
      const end = await dying(bed, settings(bed), at);
      expect(bed.updates, `killed before act ${at}`).toEqual(expected.updates);
      expect(bed.rack.machine.done, `killed before act ${at}`).toEqual(expected.done);
      if (end === 'lived') break;
      went++;
    }
    expect(went).toBeGreaterThan(20);
    expect(went).toBeLessThan(199);
  };

  it('goes on wherever it died, and nothing is done twice: BIOS, fetched by the BMC', async () => {
    await life({}, (bed) => [bed.item('bios', '2.0')], {
      updates: ['stored bios by pull', 'applied bios'],
      done: ['on', 'off'],
    });
  });

  it('goes on wherever it died, and nothing is done twice: BIOS, sent to the BMC', async () => {
    await life({ personality: 'dell' }, (bed) => [bed.item('bios', '2.0', { source: 'push' })], {
      updates: ['stored bios by push', 'applied bios'],
      done: ['on', 'off'],
    });
  });

  it('goes on wherever it died, and nothing is done twice: a BMC that restarts', async () => {
    await life({ restartTime: 100 }, (bed) => [bed.item('bmc', '9')], {
      updates: ['stored bmc by pull', 'applied bmc'],
      done: [],
    });
  });
});
