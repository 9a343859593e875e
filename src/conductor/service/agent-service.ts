import { createHash, randomBytes } from 'node:crypto';
import { InvalidError, NotFoundError } from '../../domain/errors.js';
import { factsOf } from '../../domain/provision/machine.js';
import type { ProvisionState } from '../../domain/provision/table.js';
import { changedInternal, internalOf } from '../../driver/contract/internal-info.js';
import type { Sightings } from '../../persistence/boot-sighting/sightings.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { OperationRepository } from '../../persistence/operation/operation.repository.js';
import { measured } from '../../platform/meter/measured.js';
import { count, observe } from '../../platform/meter/meter.js';
import type { OperationRunner } from '../execution/operation-runner.js';
import type { MachineOwner } from './machine-owner.js';
import type { HeartbeatBody } from './request.js';
import { sameToken } from './same-token.js';

/** @throws InvalidError for a callback URL that the daemon must not call */
export type CallbackCheck = (url: string, source: string) => void;

export interface LookupQuery {
  /** MAC addresses. */
  addresses: readonly string[];
  node_uuid: string | null;
  /** IP address. */
  source: string;
  /** Whether the ramdisk supports tokens: one that does not gets none. */
  tokens?: boolean;
}

export interface LookupResult {
  node: Node;
  agent_token: string | null;
  has_token: boolean;
}

/** Lookup and heartbeat. Anybody on the provisioning network can call these, so every miss gets the same answer. */
export class AgentService {
  constructor(
    private readonly deps: {
      nodes: NodeRepository;
      owner: MachineOwner;
      operations: OperationRepository;
      runner: OperationRunner;
      sources: Pick<SourceRule, 'speaksFor'>;
      checkCallback: CallbackCheck;
      sightings: Pick<Sightings, 'note'>;
    },
  ) {}

  lookUp(query: LookupQuery): Promise<LookupResult> {
    const tell = (outcome: string) => count('agent_lookups_total', { outcome });
    return measured(() => this.#lookUp(query), tell);
  }

  async #lookUp(query: LookupQuery): Promise<LookupResult> {
    const node = await this.#match(query);
    if (!node) throw missing();
    this.#see(node, 'lookup', query.source);
    const has_token = Boolean(internalOf(node).agent_secret_token);
    if (query.tokens === false) return { node, agent_token: null, has_token };
    const { source, node_uuid, addresses } = query;
    const asker = fingerprint([source, node_uuid, ...addresses.toSorted()]);
    const agent_token = await this.giveToken(node.uuid, asker, mayLookUp);
    return { node, agent_token, has_token };
  }

  /**
   * The node's agent token, created now; null when it was given out before. A token that is not used yet is given again
   * to the same asker: the first answer may have been lost, for example when the conductor died, and a ramdisk without
   * a token can never report. Each boot that Ferric starts has a token of its own.
   * @param asker a fingerprint of all that is known of the caller
   * @param may whether a node in this state still gets a token: its state may have changed since the caller read it
   */
  async giveToken(
    uuid: string,
    asker: string,
    may: (state: string) => boolean = () => true,
  ): Promise<string | null> {
    let given: string | null = null;
    await this.deps.nodes.edit(uuid, null, (clear) => {
      const {
        agent_secret_token: token,
        agent_token_asker: first,
        agent_last_heartbeat: used,
      } = internalOf(clear);
      if (token) {
        if (first === asker && !used) given = token;
        return null;
      }
      if (!may(clear.provision_state)) throw missing();
      given = randomBytes(32).toString('base64url');
      const told = { agent_secret_token: given, agent_token_asker: asker };
      return { driver_internal_info: changedInternal(clear, told) };
    });
    return given;
  }

  heartbeat(node_uuid: string, body: HeartbeatBody, source: string): Promise<void> {
    return measured(
      () => this.#heartbeat(node_uuid, body, source),
      (outcome, seconds) => {
        count('agent_heartbeats_total', { outcome });
        observe('agent_heartbeat_duration_seconds', {}, seconds);
      },
    );
  }

  async #heartbeat(node_uuid: string, body: HeartbeatBody, source: string): Promise<void> {
    const { nodes, operations, runner, checkCallback } = this.deps;
    const node = await this.#speaking(await nodes.find(node_uuid), source);
    if (!node) throw missing();
    // Anaconda's ramdisk sends a status and no version (Ironic: manager.py, heartbeat).
    if (!body.agent_version && !body.agent_status) {
      throw new InvalidError(
        'Agent did not transmit a version, and a version is required. Please update the agent being used.',
      );
    }
    checkCallback(body.callback_url, source);
    await nodes.edit(node.uuid, null, (clear) => {
      const known = internalOf(clear);
      if (!sameToken(known.agent_secret_token, body.agent_token)) {
        throw new InvalidError('Invalid or missing agent token received.');
      }
      const url = known.agent_url;
      if (url && url !== body.callback_url)
        throw new InvalidError('Detected change in ramdisk provided "callback_url".');
      const ca = known.agent_verify_ca;
      if (ca && ca !== body.agent_verify_ca)
        throw new InvalidError('Detected change in ramdisk provided "agent_verify_ca".');
      return {
        driver_internal_info: changedInternal(clear, {
          agent_url: body.callback_url,
          agent_last_heartbeat: new Date().toISOString(),
          ...(body.agent_version ? { agent_version: body.agent_version } : {}),
          ...(body.agent_verify_ca ? { agent_verify_ca: body.agent_verify_ca } : {}),
          ...(body.agent_status ? { agent_status: body.agent_status } : {}),
          ...(body.agent_status_message ? { agent_status_message: body.agent_status_message } : {}),
        }),
      };
    });
    this.#see(node, 'heartbeat', source);
    const open = await operations.openOf(node.uuid);
    if (open) runner.deliver(open.id, { on: 'wake', why: 'heartbeat' });
  }

  #see({ uuid: node_uuid }: Node, kind: 'lookup' | 'heartbeat', source: string): void {
    this.deps.sightings.note({ node_uuid, kind, name: '', source, bytes: 0 });
  }

  async #match(query: {
    addresses: readonly string[];
    node_uuid: string | null;
    source: string;
  }): Promise<Node | null> {
    const { nodes, owner } = this.deps;
    const { node_uuid, addresses, source } = query;
    const asking = { macs: addresses.map((address) => address.toLowerCase().replaceAll('-', ':')), source };
    const node = node_uuid
      ? await nodes.find(node_uuid)
      : await owner.find(asking, ({ provision_state }) => mayLookUp(provision_state));
    return this.#speaking(node, source);
  }

  /** The node, where a ramdisk is expected of it and the address is one of its machine's. */
  async #speaking(node: Node | null, source: string): Promise<Node | null> {
    if (!node || !mayLookUp(node.provision_state)) return null;
    if (await this.deps.sources.speaksFor(node.uuid, source)) return node;
    throw new NotFoundError(`${source} is not an address of the machine of node ${node.uuid} in this boot`);
  }
}

function mayLookUp(state: string): boolean {
  return factsOf(state as ProvisionState).ramdiskLookup === true;
}

function missing(): NotFoundError {
  return new NotFoundError('Node could not be found.');
}

/** A hash that identifies an asker. */
export function fingerprint(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
