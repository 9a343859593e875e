import type { PlannedStep } from '../../domain/step/step.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { Node } from '../../persistence/node/node.entity.js';
import { planRequested, type WantedStep } from './requested-steps.js';
import { planSteps } from './workflow.js';

/** The steps that a cleaning starts with; the agent's steps are added when it has reported them. */
export class CleaningPlan {
  constructor(private readonly deps: { registry: DriverRegistry; settings: { automated_clean: boolean } }) {}

  /** Empty where automated cleaning is off: the node passes through the state and becomes available. */
  automated(node: Node): PlannedStep[] {
    const on = node.automated_clean ?? this.deps.settings.automated_clean;
    return on ? planSteps(this.deps.registry.resolve(node), 'clean') : [];
  }

  manual(node: Node, wanted: readonly WantedStep[], disableRamdisk: boolean): PlannedStep[] {
    return planRequested(this.deps.registry.resolve(node), 'clean', wanted, disableRamdisk);
  }
}
