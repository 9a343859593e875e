import type { PlannedStep } from '../../domain/step/step.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { Node } from '../../persistence/node/node.entity.js';
import { planRequested, type WantedStep } from './requested-steps.js';
import { planSteps } from './workflow.js';

/** Which steps a cleaning starts with; the agent's own come in when it has reported them. */
export class CleaningPlan {
  constructor(private readonly deps: { registry: DriverRegistry; settings: { automated_clean: boolean } }) {}

  /** No steps where automated cleaning is off: the node passes through the state and is available. */
  automated(node: Node): PlannedStep[] {
    const on = node.automated_clean ?? this.deps.settings.automated_clean;
    return on ? planSteps(this.deps.registry.resolve(node), 'clean') : [];
  }

  manual(node: Node, wanted: readonly WantedStep[], disableRamdisk: boolean): PlannedStep[] {
    return planRequested(this.deps.registry.resolve(node), 'clean', wanted, disableRamdisk);
  }
}
