import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from 'typeorm';
import type { InspectorSettings } from '../../config/section/inspector.js';
import { FerricError, InvalidError } from '../../domain/errors.js';
import type { RuleEffects } from '../../domain/inspection-rule/action.js';
import type { JsonObject } from '../../domain/json.js';
import { splitSecrets } from '../../domain/secret-key.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { InspectedPort, InspectionReport } from '../../driver/contract/inspect.js';
import type { DriverRegistry } from '../../driver/registry.js';
import { type HardwareRepository, reportPlace } from '../../persistence/hardware/hardware.repository.js';
import type { InspectionRuleRepository } from '../../persistence/inspection-rule/inspection-rule.repository.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { Port } from '../../persistence/port/port.entity.js';
import type { PortChanges, PortRepository } from '../../persistence/port/port.repository.js';
import {
  type Changes,
  nodeEdit,
  portCreation,
  resourceDeletion,
  resourceEdit,
} from '../execution/changes.js';
import type { OwnContext, OwnStep } from '../workflow/own-step.js';
import { ruleChanges, ruleSubject } from './rule-subject.js';
import { applyRulesInThread } from './rule-thread.js';

/** As in the journal. Steps of higher priority obtain the report, those of lower priority follow it. */
export const READ_REPORT = {
  interface: 'inspect',
  name: 'read_report',
  priority: 60,
  abortable: false,
  rerunnable: true,
  visible: false,
} as const;

/** ms reserved for writing the result. */
const WRITE = 10_000;
/** Failures that are not the report's: it is kept and read again. */
const PASSING = ['reservation-lost', 'cancelled', 'database-away', 'internal'];

/**
 * Reads a ramdisk's report (Ironic: conductor/inspection.py, continue_inspection). The inspect interface evaluates it,
 * and the result is written; then the inspection rules run, and their changes are written with the inventory. Each is
 * one transaction: a conductor that dies in between reads again what was not written.
 */
export class ReportReader {
  readonly step: OwnStep;

  constructor(
    private readonly deps: {
      nodes: NodeRepository;
      changes: Changes;
      ports: PortRepository;
      hardware: HardwareRepository;
      rules: InspectionRuleRepository;
      registry: DriverRegistry;
      inspector: InspectorSettings;
      /** GETs a URL for a rule. @throws for an error status, or without a response */
      callForRule: RuleEffects['call'];
    },
  ) {
    this.step = { ...READ_REPORT, kinds: ['inspect', 'action'], run: (context) => this.#run(context) };
  }

  async #run(context: OwnContext): Promise<StepOutcome> {
    const { nodes, hardware } = this.deps;
    const sealed = await hardware.report(context.node.uuid);
    // Written already, before the conductor died.
    if (sealed === null) return { is: 'done' };
    const report = JSON.parse(nodes.openText(sealed, reportPlace(context.node.uuid))) as InspectionReport;
    try {
      const plugin_data = await this.#read(context, report);
      await this.#finish(context, report.inventory, plugin_data);
    } catch (error) {
      if (error instanceof FerricError && !PASSING.includes(error.code)) {
        await hardware.deleteReport(context.node.uuid);
      }
      throw error;
    }
    return { is: 'done' };
  }

  /** @returns the plugin data after the hooks */
  async #read(context: OwnContext, report: InspectionReport): Promise<JsonObject> {
    const { ports, hardware } = this.deps;
    const { uuid } = context.node;
    const rows = await ports.ofNode(uuid);
    const inventory = (await hardware.inventory(uuid))?.inventory ?? null;
    const { inspect } = context.all;
    if (!inspect.readReport) {
      throw new InvalidError(`The inspect interface ${inspect.name} takes no report of a ramdisk.`);
    }
    const found = await inspect.readReport(context, report, { ports: rows.map(portOf), inventory });
    await context.fence(WRITE);
    await context.commit(async (manager, fence) => {
      await this.#writePorts(context, rows, found.ports, manager);
      const edit = { properties: found.properties };
      await this.deps.nodes.update(uuid, edit, fence, manager);
      await this.deps.changes.write(nodeEdit(uuid, edit, context.actor), manager);
    });
    return found.plugin_data;
  }

  async #writePorts(
    context: OwnContext,
    rows: readonly Port[],
    found: readonly InspectedPort[],
    on: EntityManager,
  ): Promise<void> {
    const { ports, changes } = this.deps;
    const { actor } = context;
    const kept = new Set(found.map((port) => port.uuid));
    for (const row of rows) {
      if (kept.has(row.uuid)) continue;
      await ports.delete(row.uuid, on);
      await changes.write(resourceDeletion('port', row, actor), on);
    }
    const fresh = found.filter((port) => port.uuid === null);
    const taken = new Set(
      (await ports.byAddresses(fresh.map((port) => port.address))).map((row) => row.address),
    );
    for (const { uuid, ...port } of found) {
      if (uuid !== null) await this.#updatePort({ uuid, changes: port }, rows, context, on);
      else if (taken.has(port.address)) {
        context.log.warn({ address: port.address }, 'an interface that was found is a port of another node');
      } else {
        const created = await ports.create({ ...port, uuid: randomUUID(), node_uuid: context.node.uuid }, on);
        await changes.write(portCreation(created, actor), on);
      }
    }
  }

  /** Records the change only when a field gets another value. */
  async #updatePort(
    { uuid, changes }: { uuid: string; changes: Omit<InspectedPort, 'uuid'> | PortChanges },
    rows: readonly Port[],
    { node, actor }: OwnContext,
    on: EntityManager,
  ): Promise<void> {
    await this.deps.ports.update(uuid, changes, on);
    const before = rows.find((row) => row.uuid === uuid);
    const changed = Object.entries(changes).filter(
      ([name, value]) => !isDeepStrictEqual(value, before?.[name as keyof Port]),
    );
    if (changed.length === 0) return;
    const edit = resourceEdit('port', { uuid, node_uuid: node.uuid }, Object.fromEntries(changed), actor);
    await this.deps.changes.write(edit, on);
  }

  async #finish(context: OwnContext, inventory: JsonObject, plugin_data: JsonObject): Promise<void> {
    const { nodes, ports, hardware, rules, registry, inspector } = this.deps;
    const { uuid } = context.node;
    const rows = (await rules.ofPhase('main')).map((row) => ({
      ...rules.bodyOf(row),
      priority: row.priority,
      sensitive: row.sensitive,
    }));
    const row = await nodes.get(uuid);
    const node = { ...row, ...nodes.withSecrets(row) };
    const portRows = await ports.ofNode(uuid);
    const before = ruleSubject(node, portRows, { inventory, plugin_data });
    const effects: RuleEffects = {
      log: (level, text) =>
        context.log[LEVELS[level]]({ rule: text.slice(0, 2_000) }, 'an inspection rule says'),
      call: this.deps.callForRule,
    };
    const after =
      rows.length === 0
        ? before
        : await applyRulesInThread(
            { rules: rows, inspected: before, masking: inspector.mask_secrets },
            effects,
            inspector.rule_timeout * 1000,
            context.signal,
          );
    const changes = ruleChanges(node, before, after, registry);
    await context.fence(WRITE);
    await context.commit(async (manager, fence) => {
      if (Object.keys(changes.node).length > 0) {
        await nodes.update(uuid, changes.node, fence, manager);
        await this.deps.changes.write(nodeEdit(uuid, changes.node, context.actor), manager);
      }
      for (const port of changes.ports) await this.#updatePort(port, portRows, context, manager);
      const { logs: _logs, ...kept } = after.plugin_data;
      // A collector may have seen a password: none is kept.
      const found = { inventory: splitSecrets(inventory).open, plugin_data: splitSecrets(kept).open };
      await hardware.replaceInventory(uuid, found, manager);
      await hardware.deleteReport(uuid, manager);
    });
  }
}

const LEVELS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'error' } as const;

function portOf(row: Port): InspectedPort {
  const { uuid, address, pxe_enabled, extra, local_link_connection, physical_network } = row;
  return { uuid, address, pxe_enabled, extra, local_link_connection, physical_network };
}
