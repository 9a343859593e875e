import { InvalidError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { orderSteps, type PlannedStep, STEP_INTERFACES } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { StepDeclaration } from '../../driver/contract/step.js';
import { argumentFaults, stepText } from '../../driver/step-arguments.js';
import { AGENT_THERE } from '../../driver/step-table.js';
import { reservedStep } from './requested-steps.js';
import { plannedFrom } from './workflow.js';

/** A deploy step that a user or a template chose: its priority and arguments replace the interface's own. */
export interface ChosenStep {
  readonly interface: string;
  readonly step: string;
  readonly args?: JsonObject;
  /** 0 turns the step off. */
  readonly priority: number;
}

interface Template {
  readonly name: string;
  readonly steps: readonly ChosenStep[];
}

/**
 * The plan of a deployment (Ironic: conductor/steps.py, _get_all_deployment_steps).
 * @param wanted steps of the request; they override those of templates
 * @param templates those that the instance's traits name
 * @throws InvalidError for steps that the node does not have, wrong arguments, steps that templates share, and when all
 * are turned off
 */
export function planDeployment(
  interfaces: Interfaces,
  wanted: readonly ChosenStep[],
  templates: readonly Template[],
): PlannedStep[] {
  const declared = interfaces.steps.filter((step) => step.kind === 'deploy');
  const byTemplates = templates.flatMap(({ steps }) => steps);
  const known = knowledgeOf(interfaces, declared);
  refuse('Validation of deploy steps from "deploy steps" argument failed.', faultsOf(known, wanted));
  refuse(
    "Validation of deploy steps from deploy templates matching this node's instance traits failed. Matching deploy " +
      `templates: ${templates.map(({ name }) => name).join(',')}. Errors: `,
    faultsOf(known, byTemplates),
  );
  const chosen = [...wanted, ...byTemplates.filter((step) => !find(wanted, step))];
  const own = declared.filter((step) => !find(chosen, { interface: step.interface, step: step.name }));
  const [ours, ofTheAgent] = parted(chosen, (step) => isOurs(declared, step));
  const requested: Json[] = ofTheAgent.map((step) => ({ ...step, args: step.args ?? {} }));
  const steps = orderSteps([
    ...own.map((step) => plannedFrom(step, isBoot(step) && requested.length > 0 ? { requested } : {})),
    ...ours.map((step) => {
      const planned = reservedStep(step) ?? plannedFrom(declaredOf(declared, step)!, step.args ?? {});
      return { ...planned, priority: step.priority };
    }),
  ]);
  // Ironic starts the deployment, which then fails with this message (conductor/deployments.py, do_node_deploy).
  if (steps.length === 0) throw new InvalidError('No deploy steps returned by the driver');
  return steps;
}

type Named = Pick<ChosenStep, 'interface' | 'step'>;

function find<T extends Named>(steps: readonly T[], { interface: owner, step }: Named): T | undefined {
  return steps.find((one) => one.interface === owner && one.step === step);
}

function declaredOf(declared: readonly StepDeclaration[], step: Named): StepDeclaration | undefined {
  return declared.find((one) => one.interface === step.interface && one.name === step.step);
}

interface Knowledge {
  readonly declared: readonly StepDeclaration[];
  /** Undeclared steps may be the agent's; the agent is asked once it runs. */
  readonly agentMayKnow: boolean;
}

function knowledgeOf(interfaces: Interfaces, declared: readonly StepDeclaration[]): Knowledge {
  return { declared, agentMayKnow: interfaces.deploy.agentDeploySteps === true };
}

/** The step that boots the ramdisk receives the steps that only the agent can check. */
function isBoot(step: StepDeclaration): boolean {
  return step.interface === 'deploy' && step.name === 'deploy';
}

function isOurs(declared: readonly StepDeclaration[], step: ChosenStep): boolean {
  return reservedStep(step) !== null || declaredOf(declared, step) !== undefined;
}

function parted<T>(all: readonly T[], first: (one: T) => boolean): [T[], T[]] {
  return [all.filter(first), all.filter((one) => !first(one))];
}

function faultsOf(knowledge: Knowledge, steps: readonly ChosenStep[]): string[] {
  const faults = steps.flatMap((step) => (reservedStep(step) ? [] : faultsOfStep(knowledge, step)));
  const twice = steps.filter(
    (step, at) => !reservedStep(step) && steps.findIndex((one) => find([one], step)) !== at,
  );
  if (twice.length > 0) {
    const names = new Set(twice.map(({ interface: owner, step }) => `${owner}.${step}`));
    faults.push(
      "deploy steps from all deploy templates matching this node's instance traits cannot have the same interface and " +
        `step. Duplicate deploy steps for ${[...names].join(', ')}`,
    );
  }
  return faults;
}

function faultsOfStep({ declared, agentMayKnow }: Knowledge, step: ChosenStep): string[] {
  const known = declaredOf(declared, step);
  if (!known && agentMayKnow && (STEP_INTERFACES as readonly string[]).includes(step.interface)) return [];
  if (!known) return [`node does not support this deploy step: ${stepText(step)}`];
  const faults: string[] = [];
  const { priority } = step;
  if (known?.byAgent && priority !== 0) faults.push(...agentFaults(step, agentMayKnow));
  faults.push(...argumentFaults('deploy', step, known.args ?? {}, { disabled: priority === 0 }));
  if (priority === 0) return faults;
  if (known.interface === 'deploy' && known.name === 'deploy') {
    faults.push(
      'deploy step deploy on interface deploy is a core step and cannot be overridden by user steps. It may be ' +
        'disabled by setting the priority to 0',
    );
  }
  return faults;
}

/** A step of the agent must lie between the step that boots the agent and the one that ends it. */
function agentFaults(step: ChosenStep, thereIsAgent: boolean): string[] {
  if (!thereIsAgent) {
    return [`deploy step ${stepText(step)} is the agent's, which the node's deploy interface does not boot`];
  }
  const { comes, leaves } = AGENT_THERE;
  return step.priority > leaves && step.priority < comes
    ? []
    : [
        `deploy step ${stepText(step)} is the agent's, which is there between priorities ${comes} and ${leaves}: ` +
          `${step.priority} is not between them`,
      ];
}

function refuse(prefix: string, faults: readonly string[]): void {
  if (faults.length > 0) throw new InvalidError(`${prefix}${faults.join('; ')}`);
}
