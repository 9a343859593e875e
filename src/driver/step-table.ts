import type { StepDeclaration, StepKind } from './contract/step.js';

interface Row {
  readonly kind: StepKind;
  readonly priority: number;
  readonly abortable: boolean;
  readonly visible: boolean;
  /** It waits for a ramdisk, which it may restart at its deadline. */
  readonly lastLook?: true;
}

/**
 * The deploy interface's own steps: Ironic's names and priorities (drivers/modules/agent.py), and invisible steps for
 * what Ironic's conductor does around them. All are rerunnable: each checks the machine before it acts again.
 */
const ROWS = {
  // deploy
  prepare_deploy: { kind: 'deploy', priority: 200, abortable: true, visible: false },
  deploy: { kind: 'deploy', priority: 100, abortable: true, visible: true, lastLook: true },
  write_image: { kind: 'deploy', priority: 80, abortable: true, visible: true },
  prepare_instance_boot: { kind: 'deploy', priority: 60, abortable: true, visible: true },
  tear_down_agent: { kind: 'deploy', priority: 40, abortable: true, visible: true },
  switch_to_tenant_network: { kind: 'deploy', priority: 30, abortable: true, visible: true },
  boot_instance: { kind: 'deploy', priority: 20, abortable: true, visible: true },
  // clean: the agent's steps are inserted after collect_clean_steps
  prepare_cleaning: { kind: 'clean', priority: 200, abortable: true, visible: false, lastLook: true },
  collect_clean_steps: { kind: 'clean', priority: 100, abortable: true, visible: false },
  tear_down_cleaning: { kind: 'clean', priority: 1, abortable: false, visible: false },
  // service: boots the ramdisk only for steps that need it
  prepare_service: { kind: 'service', priority: 200, abortable: true, visible: false, lastLook: true },
  collect_service_steps: { kind: 'service', priority: 100, abortable: true, visible: false },
  tear_down_service: { kind: 'service', priority: 1, abortable: false, visible: false },
  // adopt: what a running instance needs for its next boot, without touching its disks
  take_over: { kind: 'adopt', priority: 100, abortable: false, visible: false },
  // teardown
  tear_down: { kind: 'teardown', priority: 100, abortable: false, visible: false },
} as const satisfies Record<string, Row>;

export type DeployStepName = keyof typeof ROWS;

/** The priorities of the deploy steps between which the agent runs. */
export const AGENT_THERE = { comes: ROWS.deploy.priority, leaves: ROWS.tear_down_agent.priority };

/** The declarations of a deploy interface: a `run` for each row of the table that it has. */
export function declareSteps(
  runs: Partial<Record<DeployStepName, StepDeclaration['run']>>,
): StepDeclaration[] {
  return (Object.entries(runs) as [DeployStepName, StepDeclaration['run']][]).map(([name, run]) => ({
    interface: 'deploy',
    name,
    ...ROWS[name],
    rerunnable: true,
    run,
  }));
}

export function stepNames(steps: readonly StepDeclaration[]): ReadonlySet<string> {
  return new Set(steps.map(({ name }) => name));
}
