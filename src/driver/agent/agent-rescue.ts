import { InvalidError } from '../../domain/errors.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { ReadContext } from '../contract/context.js';
import type { RescueInterface } from '../contract/rescue.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import { bootFromInstance, markOfStep, powerOff, startMachine } from '../machine-start.js';
import { checkRescuePassword, forgetRescuePassword } from '../rescue-password.js';
import { type CryptAlgorithm, shaCrypt } from '../sha-crypt.js';
import { isPassing } from './agent-command.js';
import { forgetAgent } from './agent-node.js';
import { AgentBusyError, type AgentClient } from './client.js';
import { NotConnected } from './pinned-request.js';
import type { Ramdisk } from './ramdisk.js';

export interface AgentRescueParts {
  ramdisk: Ramdisk;
  client: AgentClient;
  hashAlgorithm: CryptAlgorithm;
  /** ms before an agent that did not answer is asked again. */
  interval: number;
  /** Base URL of the agent listener as machines see it; read when it is needed. */
  apiUrl: () => string;
}

const step = { interface: 'rescue', priority: 100, rerunnable: true, visible: false } as const;
/** Committed before the password is sent: the agent may have received it, and closes its API once it has. */
const FINALIZING = 'finalizing';
/** The agent has not received the password yet. */
const ASKING = 'asking';

/** Rescue interface `agent`: the rescue ramdisk with the user's password (Ironic: drivers/modules/agent.py). */
export class AgentRescue implements RescueInterface {
  readonly name = 'agent';
  readonly properties = {};
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly parts: AgentRescueParts) {
    this.steps = [
      {
        ...step,
        name: 'rescue',
        kind: 'rescue',
        abortable: true,
        lastLook: true,
        run: (context) => this.rescue(context),
      },
      {
        ...step,
        name: 'unrescue',
        kind: 'unrescue',
        abortable: false,
        run: (context) => this.unrescue(context),
      },
    ];
  }

  async validate(context: ReadContext & Partial<Pick<WorkContext, 'interfaces'>>): Promise<void> {
    const { node, interfaces } = context;
    await interfaces?.boot.validate(context);
    await interfaces?.boot.validateRescue?.(context);
    if (node.instance_info['rescue_password'] === undefined) {
      throw new InvalidError(
        `Node ${node.uuid} is missing 'instance_info/rescue_password'. It is required for rescuing node.`,
      );
    }
    checkRescuePassword(context);
  }

  /** Runs also before a tear-down, which powers off anyway. */
  async cleanUp(context: WorkContext): Promise<void> {
    await forgetRescuePassword(context);
    await powerOff(context);
    await context.interfaces.boot.cleanUpRamdisk(context);
    await forgetAgent(context);
  }

  private async rescue(context: StepContext): Promise<StepOutcome> {
    const { ramdisk } = this.parts;
    if (context.saved === FINALIZING || context.saved === ASKING) return this.finalize(context);
    if (!ramdisk.isBooting(context.saved)) {
      await context.interfaces.boot.cleanUpInstance(context);
      return ramdisk.launch(context, () =>
        context.interfaces.boot.prepareRamdisk(context, { 'ipa-api-url': this.parts.apiUrl() }, 'rescue'),
      );
    }
    const waiting = await ramdisk.arrival(context);
    return waiting ?? this.finalize(context);
  }

  private async finalize(context: StepContext): Promise<StepOutcome> {
    const { client, hashAlgorithm, interval } = this.parts;
    const password = context.node.instance_info['rescue_password'];
    // The password is deleted at the end of the step: after a crash right behind that there is nothing left to do.
    if (typeof password === 'string') {
      const mayHaveHeard = context.saved === FINALIZING;
      await context.checkpoint(FINALIZING);
      try {
        const params = { rescue_password: shaCrypt(password, hashAlgorithm), hashed: true };
        await client.call(context, 'rescue.finalize_rescue', params, { attempts: 1 });
      } catch (error) {
        if (!isPassing(error)) throw error;
        // The machine refuses the agent's port: the agent closed it after it received the password on an earlier try.
        if (!(mayHaveHeard && isRefused(error))) {
          context.log.info({ error: error.message }, 'the agent is asked again later');
          const heard = !(error instanceof NotConnected || error instanceof AgentBusyError);
          return {
            is: 'wait',
            for: 'poll',
            pollAfter: interval,
            checkpoint: heard || mayHaveHeard ? FINALIZING : ASKING,
          };
        }
      }
    }
    await context.interfaces.boot.cleanUpRamdisk(context);
    await forgetAgent(context);
    await forgetRescuePassword(context);
    return { is: 'done' };
  }

  /** Back to the system on disk. Run again after a crash, it repeats all of it but a reset. */
  private async unrescue(context: StepContext): Promise<StepOutcome> {
    const { boot } = context.interfaces;
    await powerOff(context);
    await forgetRescuePassword(context);
    await boot.cleanUpRamdisk(context);
    await forgetAgent(context);
    await bootFromInstance(context);
    await startMachine(context, markOfStep(context));
    return { is: 'done' };
  }
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof NotConnected &&
    (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED'
  );
}
