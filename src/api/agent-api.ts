import { type DynamicModule, Module } from '@nestjs/common';
import { Conductor } from '../conductor/service/conductor.js';
import type { SourceRule } from '../persistence/lease/source-rule.js';
import type { Logger } from '../platform/logger.js';
import { NoAuth } from './auth/access.js';
import { type ApiListener, createListener } from './listener.js';
import { Served } from './settings.js';
import { MAX_INSPECTION_BODY, RamdiskDoor, type RamdiskSettings } from './v1/ramdisk/door.js';
import { RamdiskController } from './v1/ramdisk/ramdisk.controller.js';
import { RootController } from './v1/root.controller.js';

export interface AgentApiParts {
  conductor: Conductor;
  settings: RamdiskSettings & {
    public_url: string | null;
    allowed_hosts: readonly string[];
    max_connections: number;
    max_connections_per_client: number;
  };
  sources: Pick<SourceRule, 'admits' | 'admitsReport'>;
  log: Logger;
}

const MAX_BODY = 1_048_576;
/** ms: a machine that takes longer to send a heartbeat is none. */
const REQUEST_TIMEOUT = 30_000;

export const AGENT_CONTROLLERS = [RootController, RamdiskController];

@Module({})
class AgentApiModule {
  static forRoot(parts: AgentApiParts, door: RamdiskDoor): DynamicModule {
    return {
      module: AgentApiModule,
      controllers: AGENT_CONTROLLERS,
      providers: [
        { provide: Conductor, useValue: parts.conductor },
        { provide: Served, useValue: { images: false } satisfies Served },
        { provide: RamdiskDoor, useValue: door },
      ],
    };
  }
}

/** The API for ramdisks: roots, lookup, heartbeat, continue_inspection. Its listener starts with `listen`. */
export async function createAgentApi(parts: AgentApiParts): Promise<ApiListener> {
  const log = parts.log.child({ listener: 'agent' });
  const door = new RamdiskDoor(parts.settings, parts.sources, log);
  return createListener(AgentApiModule.forRoot(parts, door), {
    access: new NoAuth(),
    log,
    publicEndpoint: parts.settings.public_url,
    maxBodyBytes: MAX_BODY,
    largerBodies: {
      '/continue_inspection': MAX_INSPECTION_BODY,
      '/continue_inspection/:secret': MAX_INSPECTION_BODY,
    },
    // Of what a machine tells of itself, odd counters are no reason to refuse the rest.
    mayRound: true,
    requestTimeout: REQUEST_TIMEOUT,
    allowedHosts: parts.settings.allowed_hosts,
    connections: {
      total: parts.settings.max_connections,
      perClient: parts.settings.max_connections_per_client,
    },
    bodies: { total: 4 * MAX_INSPECTION_BODY, perClient: MAX_INSPECTION_BODY + 2 * MAX_BODY },
    untypedBodies: true,
    admit: ({ ip, url }) => door.admit(ip, url),
  });
}
