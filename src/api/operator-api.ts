import { type DynamicModule, Module, type Type, type ValueProvider } from '@nestjs/common';
import { Conductor } from '../conductor/service/conductor.js';
import type { Config } from '../config/schema.js';
import { CacheAdmin } from '../image/cache/cache-admin.js';
import { ImageService } from '../image/image-service.js';
import { ImageLibrary } from '../image-library/image-library.js';
import { IMAGE_LIBRARY } from '../image-library/image-library.module.js';
import { EventStream } from '../persistence/event/event-stream.js';
import { SourceRule } from '../persistence/lease/source-rule.js';
import { REPOSITORIES } from '../persistence/resources.js';
import { CONFIG } from '../platform/config.module.js';
import { type Container, injected, type PartsOf } from '../platform/injected.js';
import { LOGGER } from '../platform/logger.module.js';
import type { Access } from './auth/access.js';
import { collaborators } from './collaborators.js';
import { Health } from './health.js';
import { HealthcheckController } from './healthcheck.controller.js';
import { type ApiListener, createListener } from './listener.js';
import { DescribedRoutes, OpenApiController } from './openapi/openapi.controller.js';
import { declaredRoutes } from './routes.js';
import { ApiSettings, Served } from './settings.js';
import { AllocationController } from './v1/allocation/allocation.controller.js';
import { ChassisController } from './v1/chassis/chassis.controller.js';
import { ConductorController } from './v1/conductor/conductor.controller.js';
import { DeployTemplateController } from './v1/deploy-template/deploy-template.controller.js';
import { DriverController } from './v1/driver/driver.controller.js';
import { DriverExtensionController } from './v1/driver/extension.controller.js';
import { EventController } from './v1/event/event.controller.js';
import { EventStreamController } from './v1/event/event-stream.controller.js';
import { ImageCacheController } from './v1/image-cache/image-cache.controller.js';
import { InspectionRuleController } from './v1/inspection-rule/inspection-rule.controller.js';
import { NodeActionsController } from './v1/node/actions.controller.js';
import { NodeAttemptsController } from './v1/node/attempts.controller.js';
import { NodeChildrenController } from './v1/node/children.controller.js';
import { NodeHardwareController } from './v1/node/hardware.controller.js';
import { NodeHistoryController } from './v1/node/history.controller.js';
import { ImageSight, imagesInside, imagesOutside } from './v1/node/image-sight.js';
import { NodeMachineController } from './v1/node/machine.controller.js';
import { NodeManagementController } from './v1/node/management.controller.js';
import { NodeController } from './v1/node/node.controller.js';
import { NodeStatesController } from './v1/node/states.controller.js';
import { SummaryController } from './v1/node/summary.controller.js';
import { NodeTraitsController } from './v1/node/traits.controller.js';
import { NodeVendorController } from './v1/node/vendor.controller.js';
import { NodeVifsController } from './v1/node/vifs.controller.js';
import { NodeWhyController } from './v1/node/why.controller.js';
import { PortController } from './v1/port/port.controller.js';
import { PortgroupController } from './v1/portgroup/portgroup.controller.js';
import { MAX_INSPECTION_BODY, RamdiskAccess, ramdiskSettings } from './v1/ramdisk/access.js';
import { RamdiskElsewhereController } from './v1/ramdisk/elsewhere.controller.js';
import { RamdiskController } from './v1/ramdisk/ramdisk.controller.js';
import { RootController } from './v1/root.controller.js';
import { RunbookController } from './v1/runbook/runbook.controller.js';
import { RunbookTraitsController } from './v1/runbook/traits.controller.js';
import { ShardController } from './v1/shard/shard.controller.js';
import { VolumeConnectorController } from './v1/volume/connector.controller.js';
import { VolumeTargetController } from './v1/volume/target.controller.js';
import { VolumeController } from './v1/volume/volume.controller.js';
import { ImageDataController } from './v2/image/data.controller.js';
import { ImageDiscoveryController } from './v2/image/discovery.controller.js';
import { ImageController } from './v2/image/image.controller.js';
import { ImageFinder } from './v2/image/image-finder.js';
import { ImageMemberController } from './v2/image/member.controller.js';
import { ImageApiSettings } from './v2/image/settings.js';
import { ImageTagController } from './v2/image/tag.controller.js';

/** The API's dependencies. */
const PARTS = injected({
  ...REPOSITORIES,
  config: CONFIG,
  log: LOGGER,
  conductor: Conductor,
  library: IMAGE_LIBRARY,
  images: ImageService,
  stream: EventStream,
  sources: SourceRule,
});
type Parts = PartsOf<typeof PARTS>;

const IMAGE_CONTROLLERS = [
  ImageDiscoveryController,
  ImageController,
  ImageDataController,
  ImageMemberController,
  ImageTagController,
];

export const OPERATOR_CONTROLLERS = [
  RootController,
  HealthcheckController,
  NodeController,
  SummaryController,
  NodeStatesController,
  NodeManagementController,
  NodeHistoryController,
  NodeTraitsController,
  NodeActionsController,
  NodeAttemptsController,
  NodeWhyController,
  NodeChildrenController,
  NodeVifsController,
  NodeMachineController,
  NodeHardwareController,
  NodeVendorController,
  PortController,
  PortgroupController,
  VolumeController,
  VolumeConnectorController,
  VolumeTargetController,
  ChassisController,
  AllocationController,
  DeployTemplateController,
  RunbookController,
  RunbookTraitsController,
  ShardController,
  InspectionRuleController,
  DriverController,
  DriverExtensionController,
  ConductorController,
  EventStreamController,
  EventController,
  ImageCacheController,
  RamdiskElsewhereController,
  OpenApiController,
  ...IMAGE_CONTROLLERS,
];

@Module({})
class OperatorApiModule {
  static forRoot(parts: Parts, ramdiskAccess: RamdiskAccess | null): DynamicModule {
    const { config, conductor, library, images, stream } = parts;
    const controllers = OPERATOR_CONTROLLERS.filter(
      (one) => library || !IMAGE_CONTROLLERS.some((of) => of === one),
    ).map((one): Type => (ramdiskAccess && one === RamdiskElsewhereController ? RamdiskController : one));
    const given: ValueProvider[] = [
      ...Object.entries(REPOSITORIES).map(([name, provide]) => ({
        provide,
        useValue: parts[name as keyof typeof REPOSITORIES],
      })),
      ...(library ? [{ provide: ImageLibrary, useValue: library }] : []),
      ...(ramdiskAccess ? [{ provide: RamdiskAccess, useValue: ramdiskAccess }] : []),
      { provide: Conductor, useValue: conductor },
      { provide: EventStream, useValue: stream },
      { provide: CacheAdmin, useValue: images.cacheAdmin },
      { provide: Health, useValue: new Health(parts.conductors, config.data_dir) },
      { provide: ApiSettings, useValue: apiSettings(config) },
      { provide: ImageApiSettings, useValue: imageApiSettings(config) },
      { provide: Served, useValue: { images: library !== null } satisfies Served },
      { provide: DescribedRoutes, useValue: { routes: declaredRoutes(controllers) } },
    ];
    const { glance } = images;
    const sight = injected({ finder: ImageFinder }).provide(ImageSight, ({ finder }) => {
      if (glance) return new ImageSight(imagesOutside(glance));
      return new ImageSight(library === null ? null : imagesInside(finder));
    });
    const own = collaborators(controllers, new Set(given.map(({ provide }) => provide)));
    return { module: OperatorApiModule, controllers, providers: [...given, sight, ImageFinder, ...own] };
  }
}

function apiSettings({ api, conductor, netboot }: Config): ApiSettings {
  return {
    maxLimit: api.max_limit,
    conductorTimeout: conductor.heartbeat_timeout,
    hearsDhcp: netboot.dhcp.interface !== null,
  };
}

function imageApiSettings({ image_service: of }: Config): ImageApiSettings {
  return {
    defaultLimit: of.default_limit,
    maxLimit: of.max_limit,
    maxProperties: of.max_properties,
    maxTags: of.max_tags,
    maxMembers: of.max_members,
    idleTimeout: of.upload_idle_timeout * 1000,
    importMethods: ['glance-direct', ...(of.web_download ? ['web-download'] : [])],
  };
}

/** The API for operators and clients. `listen` starts its listener. */
export function createOperatorApi(container: Container, access: Access): Promise<ApiListener> {
  const parts = PARTS.from(container);
  const { agent, api: settings } = parts.config;
  const log = parts.log.child({ listener: 'api' });
  const ramdiskAccess = agent.also_on_api
    ? new RamdiskAccess(ramdiskSettings(parts.config), parts.sources, log)
    : null;
  return createListener(OperatorApiModule.forRoot(parts, ramdiskAccess), {
    access,
    name: 'api',
    log,
    publicEndpoint: settings.public_endpoint,
    maxBodyBytes: settings.max_body_bytes,
    largerBodies: {
      '/states/provision': settings.max_provision_body_bytes,
      ...(ramdiskAccess
        ? {
            '/continue_inspection': MAX_INSPECTION_BODY,
            '/continue_inspection/:secret': MAX_INSPECTION_BODY,
          }
        : {}),
    },
    requestTimeout: 300_000,
    allowedHosts: settings.allowed_hosts,
    ...(ramdiskAccess ? { admit: ({ ip, url }) => ramdiskAccess.admit(ip, url) } : {}),
    connections: { total: settings.max_connections, perClient: settings.max_connections_per_client },
    // These requests have passed the login.
    bodies: {
      total: 4 * settings.max_provision_body_bytes,
      perClient: 2 * settings.max_provision_body_bytes,
    },
  });
}
