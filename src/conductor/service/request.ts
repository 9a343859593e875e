import type { JsonObject } from '../../domain/json.js';
import type { Node } from '../../persistence/node/node.entity.js';

/** A node with its secrets in clear, for PATCH. Never part of an answer. */
export type ClearNode = Omit<Node, `${string}_sealed`>;

export interface ProvisionArguments {
  /** gzip+base64 ISO image, URL, or a dict of meta_data, network_data, user_data, vendor_data. */
  configdrive?: string | JsonObject;
  clean_steps?: { interface: string; step: string; args?: JsonObject }[];
  deploy_steps?: { interface: string; step: string; args?: JsonObject; priority: number }[];
  service_steps?: { interface: string; step: string; args?: JsonObject }[];
  disable_ramdisk?: boolean;
  /** For `rescue`; kept sealed until the rescue system has received it. */
  rescue_password?: string;
}

export interface HeartbeatBody {
  callback_url: string;
  agent_token?: string;
  agent_version?: string;
  agent_verify_ca?: string;
  agent_status?: string;
  agent_status_message?: string;
}

/** What identifies the node of a ramdisk's report. */
export interface InspectionQuery {
  node_uuid: string | null;
  /** Lower case with colons. */
  macs: readonly string[];
  booted?: string | null;
  bmc_addresses: readonly string[];
  /** The last part of the URL that the machine got with its boot. */
  secret: string | null;
  source: string;
}
