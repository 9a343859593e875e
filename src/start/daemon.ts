import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { createAgentApi } from '../api/agent-api.js';
import { createAccess } from '../api/auth/strategy.js';
import type { Readiness } from '../api/metrics/readiness.js';
import { createOperatorApi } from '../api/operator-api.js';
import type { ComposedConductor } from '../conductor/compose.js';
import { COMPOSED_CONDUCTOR } from '../conductor/conductor.module.js';
import { NameLock } from '../conductor/execution/name-lock.js';
import { PeriodicRunner } from '../conductor/periodic/periodic-runner.js';
import { describeSourceRule } from '../conductor/service/source-rule.js';
import { agentApiUrl, conductorHost, httpRoot, tftpRoot } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import type { Connection } from '../database/connection.js';
import { startEmbeddedServer } from '../database/embedded-server.js';
import { FerricError, messageOf } from '../domain/errors.js';
import { erasureInWords } from '../driver/agent-steps.js';
import { DriverRegistry } from '../driver/registry.js';
import { ImageService } from '../image/image-service.js';
import type { ImageLibrary } from '../image-library/image-library.js';
import { IMAGE_LIBRARY } from '../image-library/image-library.module.js';
import { checkDhcpPort } from '../netboot/dhcp/port-check.js';
import { PublishedSweep } from '../netboot/published/sweep.js';
import { NetbootServers } from '../netboot/servers.js';
import { doorAddresses } from '../netboot/tftp/doors.js';
import { Sightings } from '../persistence/boot-sighting/sightings.js';
import { EventStream } from '../persistence/event/event-stream.js';
import { CommandProcess } from '../platform/command-process.js';
import { lockDirectory } from '../platform/directory-lock.js';
import { HeldPorts, type WantedPort } from '../platform/held-ports.js';
import type { Logger } from '../platform/logger.js';
import { AppModule } from './app.module.js';
import { NETBOOT_PARTS } from './netboot-parts.js';
import { startObservation } from './observation.js';

export interface Daemon {
  /**
   * Resolves once everything is stopped, in the reverse order of the start.
   * @param hurry aborts what is still under way
   */
  stop(hurry?: AbortSignal): Promise<void>;
}

type End = (hurry?: AbortSignal) => Promise<unknown>;

/** Parts that were started, each with the function that stops it. */
class Started {
  readonly #ends: { name: string; end: End }[] = [];

  constructor(private readonly log: Logger) {}

  add(name: string, end: End): void {
    this.#ends.push({ name, end });
  }

  async stop(hurry?: AbortSignal): Promise<void> {
    for (let last = this.#ends.pop(); last; last = this.#ends.pop()) {
      try {
        await last.end(hurry);
      } catch (error) {
        this.log.error({ part: last.name, error: messageOf(error) }, 'did not stop in order');
      }
    }
  }
}

/**
 * Starts the daemon: database, conductor, network boot, agents' listener, operators' listener, in this order, so that
 * no request is answered before its result can be stored. When a part fails, those started before it are stopped again.
 * @param onFatal called when the process must end
 * @param cancel ends the start: what it waits for is not waited for any more, and its parts are stopped again
 */
export async function startDaemon(
  config: Config,
  log: Logger,
  onFatal: (reason: string) => void,
  cancel: AbortSignal,
): Promise<Daemon> {
  const started = new Started(log);
  try {
    await startParts(config, log, started, onFatal, cancel);
  } catch (error) {
    await started.stop();
    throw error;
  }
  return { stop: (hurry) => started.stop(hurry) };
}

async function startParts(
  config: Config,
  log: Logger,
  started: Started,
  onFatal: (reason: string) => void,
  cancel: AbortSignal,
): Promise<void> {
  const lock = await lockDirectory(config.data_dir, log);
  started.add('data directory', async () => lock.release());
  const ports = new HeldPorts();
  const { socket } = config.api;
  await ports.hold(portsOf(config), socket === null ? [] : [{ path: socket, key: 'api.socket' }]);
  started.add('ports', () =>
    ports.release((error, at) =>
      log.warn({ at, error: messageOf(error) }, 'a connection made in this moment may be reset'),
    ),
  );
  await checkDhcpPort(config.netboot.dhcp, log);
  const connection = await database(config, log, started, onFatal);
  const app = await NestFactory.createApplicationContext(
    AppModule.forRoot({
      config,
      log,
      connection,
      cancel,
      onReplaced: () => onFatal('another process runs under this conductor’s host name'),
    }),
    { logger: false, abortOnError: false },
  );
  started.add('application', () => app.close());
  started.add('boot sightings', () => app.get(Sightings).stop());
  const observation = await startObservation(app, config, log, ports);
  started.add('metrics', () => observation.stop());
  const { readiness } = observation;
  await holdName(app, config, log, started, onFatal, cancel);
  cancel.throwIfAborted();
  await conductor(app, config, log, started);
  await netboot(app, config, log, started, readiness, ports);
  await listeners(app, config, log, started, ports);
  readiness.serving();
  // Stopped first, as the last one added: from then on load balancers send clients elsewhere.
  started.add('readiness', async () => readiness.stopping());
}

/** All ports that the daemon will bind, except DHCP's, which may be shared. */
function portsOf({ api, agent, netboot, metrics }: Config): WantedPort[] {
  const wanted: (Omit<WantedPort, 'address'> & { address: string | null })[] = [
    ...(api.socket === null ? [{ protocol: 'tcp' as const, ...api.listen, key: 'api.listen' }] : []),
    { protocol: 'tcp', ...agent.listen, key: 'agent.listen' },
    { protocol: 'tcp', address: metrics.listen, port: metrics.port, key: 'metrics.listen' },
    { protocol: 'tcp', address: netboot.http.listen, port: netboot.http.port, key: 'netboot.http.listen' },
    ...(netboot.tftp.listen === null ? [] : doorAddresses(netboot.tftp.listen)).map((address) => ({
      protocol: 'udp' as const,
      address,
      port: netboot.tftp.port,
      key: 'netboot.tftp.listen',
    })),
  ];
  return wanted.filter((one): one is WantedPort => one.address !== null && one.port !== 0);
}

async function database(
  config: Config,
  log: Logger,
  started: Started,
  onFatal: (reason: string) => void,
): Promise<Connection> {
  const { url, account, restarts } = config.database;
  if (url) {
    log.info('database: outside PostgreSQL (database.url)');
    return { url: url.reveal() };
  }
  const options = { account, restarts, onLost: onFatal };
  const server = await startEmbeddedServer(`${config.data_dir}/postgresql`, log, options);
  started.add('embedded PostgreSQL', () => server.stop());
  log.info({ directory: `${config.data_dir}/postgresql` }, 'database: embedded PostgreSQL');
  return server.connection;
}

async function holdName(
  app: INestApplicationContext,
  config: Config,
  log: Logger,
  started: Started,
  onFatal: (reason: string) => void,
  cancel: AbortSignal,
): Promise<void> {
  const name = new NameLock({
    source: app.get(DataSource),
    host: conductorHost(config),
    waitSeconds: config.conductor.heartbeat_timeout,
    log,
    onLost: () => onFatal('another process runs under this conductor’s host name'),
  });
  await name.take(cancel);
  started.add('conductor’s name', () => name.release());
}

async function conductor(
  app: INestApplicationContext,
  config: Config,
  log: Logger,
  started: Started,
): Promise<void> {
  const images = app.get(ImageService);
  await images.start();
  started.add('images', () => images.close());
  const library = app.get<ImageLibrary | null>(IMAGE_LIBRARY);
  if (library) {
    await library.start((...request) => images.download(...request));
    started.add('image library', () => library.close());
  }
  const commands = app.get(CommandProcess);
  started.add('command process', () => commands.close());
  const drivers = app.get(DriverRegistry);
  await drivers.start(log);
  started.add('drivers', (hurry) => drivers.stop(log, hurry));
  log.info(config.conductor.automated_clean ? erasureInWords(config.deploy) : 'automated cleaning is off');
  const composed = app.get<ComposedConductor>(COMPOSED_CONDUCTOR);
  const periodic = app.get(PeriodicRunner);
  await composed.start(periodic);
  started.add('conductor', () => composed.stop(periodic));
}

async function netboot(
  app: INestApplicationContext,
  config: Config,
  log: Logger,
  started: Started,
  readiness: Readiness,
  ports: HeldPorts,
): Promise<void> {
  const memory = NETBOOT_PARTS.from(app);
  const roots = [httpRoot(config), tftpRoot(config)];
  const servers = new NetbootServers(config.netboot, roots, memory, log);
  await servers.start(ports);
  started.add('network boot', (hurry) => servers.stop(hurry));
  for (const [name, look] of servers.looks()) readiness.watch(name, look);
  const sweep = new PublishedSweep(memory.published, {
    conductor: conductorHost(config),
    silence: config.conductor.heartbeat_timeout,
    roots,
    log,
  });
  app.get(PeriodicRunner).add(sweep.task);
  for (const line of servers.describe()) log.info(line);
  log.info(describeSourceRule(config));
}

async function listeners(
  app: INestApplicationContext,
  config: Config,
  log: Logger,
  started: Started,
  ports: HeldPorts,
): Promise<void> {
  const agents = await createAgentApi(app);
  started.add('agents’ listener', (hurry) => agents.close(hurry));
  const forAgents = await agents.listen(config.agent.listen, ports);
  log.info(
    `agents: lookup and heartbeat at ${forAgents.address}:${forAgents.port}, told as ${agentApiUrl(config)}`,
  );

  const stream = app.get(EventStream);
  await stream.start();
  started.add('event stream', () => stream.stop());
  const api = await createOperatorApi(app, await createAccess(config.auth, log));
  started.add('operators’ listener', (hurry) => api.close(hurry));
  const { socket, listen } = config.api;
  if (socket !== null) await api.listenOn(socket, ports);
  const at = socket === null ? await api.listen(listen, ports) : null;
  const where = at === null ? `the Unix socket ${String(socket)}` : `${at.address}:${at.port}`;
  log.info(`api: Bare Metal API at ${where}, login: ${config.auth.strategy}`);
}

/** @throws FerricError for settings that would give strangers access */
export function checkExposure(config: Config): void {
  const { listen } = config.api;
  const isLoopback = (address: string) => /^127\.|^::1$/.test(address);
  const loopback = isLoopback(listen.address);
  const { metrics } = config;
  if (metrics.listen !== null && metrics.token === null && !isLoopback(metrics.listen)) {
    throw new FerricError(
      'invalid',
      `metrics.listen is ${metrics.listen} and metrics.token is not set: everybody who reaches that address could read ` +
        'how the fleet does. Set metrics.token, or listen on loopback.',
    );
  }
  if (
    config.auth.strategy === 'noauth' &&
    config.api.socket === null &&
    !loopback &&
    !config.auth.noauth_on_network
  ) {
    throw new FerricError(
      'invalid',
      `api.listen.address is ${listen.address} and auth.strategy is noauth: everybody who reaches that address could ` +
        'do everything. Set auth.strategy to http_basic or keystone, listen on loopback, or set ' +
        'auth.noauth_on_network to true to say that this is meant.',
    );
  }
}
