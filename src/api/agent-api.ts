import { type DynamicModule, Module } from '@nestjs/common';
import { Conductor } from '../conductor/service/conductor.js';
import { SourceRule } from '../persistence/lease/source-rule.js';
import { CONFIG } from '../platform/config.module.js';
import { type Container, injected } from '../platform/injected.js';
import { LOGGER } from '../platform/logger.module.js';
import { NoAuth } from './auth/access.js';
import { type ApiListener, createListener } from './listener.js';
import { Served } from './settings.js';
import { MAX_INSPECTION_BODY, RamdiskAccess, ramdiskSettings } from './v1/ramdisk/access.js';
import { RamdiskController } from './v1/ramdisk/ramdisk.controller.js';
import { RootController } from './v1/root.controller.js';

const PARTS = injected({ config: CONFIG, log: LOGGER, conductor: Conductor, sources: SourceRule });

const MAX_BODY = 1_048_576;
/** ms: no heartbeat takes longer to send. */
const REQUEST_TIMEOUT = 30_000;

export const AGENT_CONTROLLERS = [RootController, RamdiskController];

@Module({})
class AgentApiModule {
  static forRoot(conductor: Conductor, access: RamdiskAccess): DynamicModule {
    return {
      module: AgentApiModule,
      controllers: AGENT_CONTROLLERS,
      providers: [
        { provide: Conductor, useValue: conductor },
        { provide: Served, useValue: { images: false } satisfies Served },
        { provide: RamdiskAccess, useValue: access },
      ],
    };
  }
}

/** The API for ramdisks: root, lookup, heartbeat, continue_inspection. `listen` starts its listener. */
export async function createAgentApi(container: Container): Promise<ApiListener> {
  const { config, conductor, sources, log: daemonLog } = PARTS.from(container);
  const { agent: settings } = config;
  const log = daemonLog.child({ listener: 'agent' });
  const access = new RamdiskAccess(ramdiskSettings(config), sources, log);
  return createListener(AgentApiModule.forRoot(conductor, access), {
    access: new NoAuth(),
    name: 'agent',
    log,
    publicEndpoint: settings.public_url,
    maxBodyBytes: MAX_BODY,
    largerBodies: {
      '/continue_inspection': MAX_INSPECTION_BODY,
      '/continue_inspection/:secret': MAX_INSPECTION_BODY,
    },
    // A machine's odd counters are no reason to refuse the rest of its report.
    mayRound: true,
    requestTimeout: REQUEST_TIMEOUT,
    allowedHosts: settings.allowed_hosts,
    connections: {
      total: settings.max_connections,
      perClient: settings.max_connections_per_client,
    },
    bodies: { total: 4 * MAX_INSPECTION_BODY, perClient: MAX_INSPECTION_BODY + 2 * MAX_BODY },
    untypedBodies: true,
    retryAfter: true,
    admit: ({ ip, url }) => access.admit(ip, url),
  });
}
