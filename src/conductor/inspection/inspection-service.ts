import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { InspectorSettings } from '../../config/section/inspector.js';
import { inTransaction } from '../../database/data-source.js';
import type { Actor } from '../../domain/actor.js';
import { FerricError, isDatabaseAway, NotFoundError, UnavailableError } from '../../domain/errors.js';
import type { InspectionReport } from '../../driver/contract/inspect.js';
import { changedInternal, internalOf } from '../../driver/contract/internal-info.js';
import type { DriverRegistry } from '../../driver/registry.js';
import { type HardwareRepository, reportPlace } from '../../persistence/hardware/hardware.repository.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { OperationRepository } from '../../persistence/operation/operation.repository.js';
import type { Logger } from '../../platform/logger.js';
import type { OperationRunner } from '../execution/operation-runner.js';
import { type AgentService, fingerprint } from '../service/agent-service.js';
import type { MachineOwner } from '../service/machine-owner.js';
import type { NodeService } from '../service/node-service.js';
import type { InspectionQuery } from '../service/request.js';
import { sameToken } from '../service/same-token.js';
import { plannedFrom } from '../workflow/workflow.js';
import { READ_REPORT } from './report-reader.js';

const WAITING = 'inspect wait';
/** Characters of a refusal's reason that are kept. */
const MOST_REASON = 500;

/**
 * Accepts reports of ramdisks. Anybody on the provisioning network can call this, so every miss gets the same answer
 * (Ironic: api/controllers/v1/ramdisk.py and drivers/modules/inspect_utils.py, lookup_node).
 */
export class InspectionService {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      owner: MachineOwner;
      operations: OperationRepository;
      hardware: HardwareRepository;
      registry: DriverRegistry;
      runner: OperationRunner;
      agents: AgentService;
      nodeService: Pick<NodeService, 'create'>;
      sources: Pick<SourceRule, 'speaksFor' | 'isNobodys'>;
      inspector: InspectorSettings;
      host: string;
      log: Logger;
    },
  ) {}

  /**
   * The report is stored before it is answered, and read in the background.
   * @param withToken the answer carries the agent's token, as that of a lookup
   * @throws NotFoundError, the same for every reason
   */
  async take(
    report: InspectionReport,
    query: InspectionQuery,
    withToken: boolean,
    asked: Actor,
  ): Promise<{ node: Node; agent_token: string | null }> {
    const by: Actor = { ...asked, via: 'agent' };
    const found = await this.#lookUp(query);
    const node = found ?? (await this.#enrol(query, by));
    const agent_token = withToken
      ? await this.deps.agents.giveToken(node.uuid, askerOf(query, report))
      : null;
    if (found) await this.#keep(node, report);
    else await this.#keepDiscovered(node, report, by);
    return { node, agent_token };
  }

  /**
   * Fails the inspection at once: the ramdisk shows the refusal on its console only and does not report again, so the
   * inspection would wait until its timeout.
   */
  async refuse(query: InspectionQuery, reason: string): Promise<void> {
    const { nodes, operations, runner } = this.deps;
    let node: Node | null;
    try {
      node = await this.#lookUp(query);
    } catch (error) {
      // No node, or not believed: the sender gets the reason, and no node is changed.
      if (error instanceof NotFoundError) return;
      throw error;
    }
    if (!node) return;
    await nodes.edit(node.uuid, null, (clear) =>
      clear.provision_state !== WAITING || internalOf(clear).inspection_reported_at
        ? null
        : {
            driver_internal_info: changedInternal(clear, {
              inspection_refused: reason.slice(0, MOST_REASON),
            }),
          },
    );
    const open = await operations.openOf(node.uuid);
    if (open?.kind === 'inspect') runner.deliver(open.id, { on: 'wake', why: 'heartbeat' });
  }

  /** @returns null when nothing points to a node */
  async #lookUp(query: InspectionQuery): Promise<Node | null> {
    const { nodes, owner, registry, sources } = this.deps;
    let node = query.node_uuid === null ? null : await nodes.find(query.node_uuid);
    if (query.node_uuid !== null && !node) throw miss('no node of that UUID');
    const byMac = await owner.find(query, ({ provision_state }) => provision_state === WAITING);
    if (byMac && node && node.uuid !== byMac.uuid) throw miss('its MAC addresses are another node’s');
    node ??= byMac;
    if (node && node.provision_state !== WAITING)
      throw miss(`node ${node.uuid} is in ${node.provision_state}`);
    node = await this.#byBmc(query, node);
    if (!node) return null;
    if (!registry.resolve(node).inspect.byRamdisk)
      throw miss(`node ${node.uuid} is not inspected by its ramdisk`);
    if (!(await sources.speaksFor(node.uuid, query.source)))
      throw miss(`${query.source} is not an address of the machine of node ${node.uuid} in this boot`);
    const { inspection_secret: secret } = internalOf(nodes.withSecrets(node));
    // Boot files that Ferric did not write carry no secret.
    if (secret !== undefined && !sameToken(secret, query.secret))
      throw miss(`node ${node.uuid} was booted with a secret that the report does not bring`);
    return node;
  }

  /** Refuses a node found otherwise whose BMC is another node's; finds the node by its BMC where nothing else did. */
  async #byBmc({ bmc_addresses }: InspectionQuery, known: Node | null): Promise<Node | null> {
    if (bmc_addresses.length === 0) return known;
    const fitting = await this.#withInfo(
      WAITING,
      (node) =>
        internalOf(node).lookup_bmc_addresses?.some((address) => bmc_addresses.includes(address)) === true,
    );
    if (known) {
      if (fitting.length > 0 && !fitting.some(({ uuid }) => uuid === known.uuid)) {
        throw miss(`its BMC is another node’s than ${known.uuid}`);
      }
      return known;
    }
    if (fitting.length > 1) throw miss('several nodes have its BMC address: create their ports');
    return fitting[0] ? this.deps.nodes.find(fitting[0].uuid) : null;
  }

  /** Nodes in a state whose driver_internal_info fits; only `uuid` is to be used. */
  async #withInfo(state: string, fits: (node: Node) => boolean): Promise<Pick<Node, 'uuid'>[]> {
    const fitting: Pick<Node, 'uuid'>[] = [];
    const columns = ['uuid', 'driver_internal_info'];
    for await (const page of this.deps.nodes.pages({ provision_state: state }, columns)) {
      fitting.push(...page.filter(fits));
    }
    return fitting;
  }

  /** Keeps the first report: an agent that missed the answer sends it again. */
  async #keep(node: Node, report: InspectionReport): Promise<void> {
    const { source, nodes, hardware, operations, runner } = this.deps;
    const sealed = nodes.sealText(JSON.stringify(report), reportPlace(node.uuid));
    await inTransaction(source, async (manager) => {
      let first = false;
      await nodes.edit(
        node.uuid,
        null,
        (clear) => {
          if (clear.provision_state !== WAITING) throw miss(`node ${node.uuid} waits no longer`);
          if (internalOf(clear).inspection_reported_at) return null;
          first = true;
          const told = { inspection_reported_at: new Date().toISOString() };
          return { driver_internal_info: changedInternal(clear, told) };
        },
        manager,
      );
      if (first) await hardware.saveReport(node.uuid, sealed, manager);
    });
    const open = await operations.openOf(node.uuid);
    if (open?.kind === 'inspect') runner.deliver(open.id, { on: 'wake', why: 'heartbeat' });
  }

  async #enrol(query: InspectionQuery, by: Actor): Promise<Node> {
    const { inspector, nodeService, sources, log } = this.deps;
    const { enabled, driver, max_nodes } = inspector.auto_discovery;
    if (!enabled || driver === null) throw miss('no node waits for it');
    if (!(await sources.isNobodys(query.source))) throw miss(`${query.source} is another machine’s address`);
    const discovered = await this.#withInfo('enroll', (node) => internalOf(node).auto_discovered === true);
    if (discovered.length >= max_nodes) {
      throw new UnavailableError(
        `${max_nodes} discovered nodes wait in enroll (inspector.auto_discovery.max_nodes): no more are taken.`,
      );
    }
    const uuid = randomUUID();
    log.info({ node: uuid, driver, macs: query.macs, bmc: query.bmc_addresses }, 'a machine was discovered');
    try {
      const driver_internal_info = changedInternal({ driver_internal_info: {} }, { auto_discovered: true });
      const row = { uuid, driver, provision_state: 'enroll', driver_internal_info };
      return await nodeService.create({ ...row, inspect_interface: 'agent' }, by);
    } catch (error) {
      if (!(error instanceof FerricError) || isDatabaseAway(error)) throw error;
      log.error({ driver, error: error.message }, 'a discovered machine cannot be enrolled');
      throw miss('it cannot be enrolled');
    }
  }

  async #keepDiscovered(node: Node, report: InspectionReport, by: Actor): Promise<void> {
    const { source, nodes, hardware, operations, runner, host } = this.deps;
    const flagged = { ...report, plugin_data: { ...report.plugin_data, auto_discovered: true } };
    const { id } = await inTransaction(source, async (manager) => {
      const sealed = nodes.sealText(JSON.stringify(flagged), reportPlace(node.uuid));
      await hardware.saveReport(node.uuid, sealed, manager);
      const steps = [plannedFrom(READ_REPORT, {})];
      const row = {
        node_uuid: node.uuid,
        kind: 'action' as const,
        steps,
        actor: by,
        conductor: host,
      };
      return operations.create(row, manager);
    });
    runner.deliver(id, { on: 'begin' });
  }
}

/** An agent that missed the answer sends the same report again: both have this fingerprint. */
function askerOf(
  { source, node_uuid }: InspectionQuery,
  { inventory, plugin_data }: InspectionReport,
): string {
  const { logs, ...told } = plugin_data;
  return fingerprint([source, node_uuid, JSON.stringify([inventory, told])]);
}

/** The reason appears in the log only. */
function miss(reason: string): NotFoundError {
  return new NotFoundError(reason);
}
