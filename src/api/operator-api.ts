import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { Conductor } from '../conductor/service/conductor.js';
import type { ImageServiceSection } from '../config/section/image-service.js';
import { CacheAdmin } from '../image/cache/cache-admin.js';
import { ImageLibrary } from '../image-library/image-library.js';
import { ConductorRecordRepository } from '../persistence/conductor-record/conductor-record.repository.js';
import { EventRepository } from '../persistence/event/event.repository.js';
import { EventStream } from '../persistence/event/event-stream.js';
import { ImageRecordRepository } from '../persistence/image-record/image-record.repository.js';
import type { SourceRule } from '../persistence/lease/source-rule.js';
import { NodeRepository } from '../persistence/node/node.repository.js';
import { OperationRepository } from '../persistence/operation/operation.repository.js';
import { PortRepository } from '../persistence/port/port.repository.js';
import type { ResourceRepository } from '../persistence/repositories.js';
import type { Logger } from '../platform/logger.js';
import type { Access } from './auth/access.js';
import { Health } from './health.js';
import { HealthcheckController } from './healthcheck.controller.js';
import { type ApiListener, createListener } from './listener.js';
import { DescribedRoutes, OpenApiController } from './openapi/openapi.controller.js';
import { declaredRoutes } from './routes.js';
import { ApiSettings, Served } from './settings.js';
import { AllocationController } from './v1/allocation/allocation.controller.js';
import { AllocationEditor } from './v1/allocation/allocation-editor.js';
import { ChassisController } from './v1/chassis/chassis.controller.js';
import { ConductorController } from './v1/conductor/conductor.controller.js';
import { DeployTemplateController } from './v1/deploy-template/deploy-template.controller.js';
import { DriverController } from './v1/driver/driver.controller.js';
import { DriverExtensionController } from './v1/driver/extension.controller.js';
import { EventController } from './v1/event/event.controller.js';
import { EventStreamController } from './v1/event/event-stream.controller.js';
import { ImageCacheController } from './v1/image-cache/image-cache.controller.js';
import { InspectionRuleController } from './v1/inspection-rule/inspection-rule.controller.js';
import { InspectionRuleEditor } from './v1/inspection-rule/rule-editor.js';
import { NodeChildrenController } from './v1/node/children.controller.js';
import { NodeHardwareController } from './v1/node/hardware.controller.js';
import { NodeHistoryController } from './v1/node/history.controller.js';
import { ImageSight } from './v1/node/image-sight.js';
import { NodeMachineController } from './v1/node/machine.controller.js';
import { NodeManagementController } from './v1/node/management.controller.js';
import { NodeController } from './v1/node/node.controller.js';
import { NodeEditor } from './v1/node/node-editor.js';
import { NodeFinder } from './v1/node/node-finder.js';
import { NodeLink } from './v1/node/node-link.js';
import { NodeList } from './v1/node/node-list.js';
import { NodeView } from './v1/node/node-view.js';
import { NodeStatesController } from './v1/node/states.controller.js';
import { NodeTraitsController } from './v1/node/traits.controller.js';
import { NodeVendorController } from './v1/node/vendor.controller.js';
import { NodeVifsController } from './v1/node/vifs.controller.js';
import { PortController } from './v1/port/port.controller.js';
import { PortEditor } from './v1/port/port-editor.js';
import { PortFinder } from './v1/port/port-finder.js';
import { PortList } from './v1/port/port-list.js';
import { PortgroupController } from './v1/portgroup/portgroup.controller.js';
import { PortgroupEditor } from './v1/portgroup/portgroup-editor.js';
import { PortgroupFinder } from './v1/portgroup/portgroup-finder.js';
import { PortgroupList } from './v1/portgroup/portgroup-list.js';
import { MAX_INSPECTION_BODY, RamdiskDoor, type RamdiskSettings } from './v1/ramdisk/door.js';
import { RamdiskElsewhereController } from './v1/ramdisk/elsewhere.controller.js';
import { RamdiskController } from './v1/ramdisk/ramdisk.controller.js';
import { RootController } from './v1/root.controller.js';
import { RunbookController } from './v1/runbook/runbook.controller.js';
import { RunbookEditor } from './v1/runbook/runbook-editor.js';
import { RunbookUse } from './v1/runbook/runbook-use.js';
import { RunbookTraitsController } from './v1/runbook/traits.controller.js';
import { ShardController } from './v1/shard/shard.controller.js';
import { VolumeConnectorController } from './v1/volume/connector.controller.js';
import { VolumeTargetController } from './v1/volume/target.controller.js';
import { VolumeController } from './v1/volume/volume.controller.js';
import { VolumeList } from './v1/volume/volume-list.js';
import { ImageDataController } from './v2/image/data.controller.js';
import { ImageDiscoveryController } from './v2/image/discovery.controller.js';
import { ImageController } from './v2/image/image.controller.js';
import { ImageFinder } from './v2/image/image-finder.js';
import { ImageMemberController } from './v2/image/member.controller.js';
import { ImageApiSettings } from './v2/image/settings.js';
import { ImageTagController } from './v2/image/tag.controller.js';

export interface OperatorApiParts {
  conductor: Conductor;
  nodes: NodeRepository;
  ports: PortRepository;
  operations: OperationRepository;
  events: EventRepository;
  conductors: ConductorRecordRepository;
  /** One of each of RESOURCE_REPOSITORIES. */
  resources: readonly ResourceRepository[];
  stream: EventStream;
  /** The Image service inside; null where it is turned off. */
  images: ImageLibrary | null;
  /** Whether deployments take images of an outside Image service. Default false. */
  imagesOutside?: boolean;
  /** The cache of images that deployments come out of. */
  cache: CacheAdmin;
  /** The configuration's `image_service` section. */
  imageSettings: ImageServiceSection;
  /** The configuration's `api` section. */
  settings: {
    public_endpoint: string | null;
    max_limit: number;
    max_body_bytes: number;
    max_provision_body_bytes: number;
    allowed_hosts: readonly string[];
    max_connections: number;
    max_connections_per_client: number;
  };
  /** Whose disk health looks at; null: none. */
  dataDirectory: string | null;
  /** Seconds of silence after which a conductor counts as dead. */
  conductorTimeout: number;
  access: Access;
  /** What ramdisks are served by, where they are served here too; null: they have a listener of their own alone. */
  ramdisks: { settings: RamdiskSettings; sources: Pick<SourceRule, 'admits' | 'admitsReport'> } | null;
  log: Logger;
}

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
  NodeStatesController,
  NodeManagementController,
  NodeHistoryController,
  NodeTraitsController,
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
  static forRoot(parts: OperatorApiParts, door: RamdiskDoor | null): DynamicModule {
    const settings: ApiSettings = {
      maxLimit: parts.settings.max_limit,
      conductorTimeout: parts.conductorTimeout,
    };
    const { images } = parts;
    const controllers = OPERATOR_CONTROLLERS.filter(
      (one) => images || !IMAGE_CONTROLLERS.some((of) => of === one),
    ).map((one): Type => (door && one === RamdiskElsewhereController ? RamdiskController : one));
    return {
      module: OperatorApiModule,
      controllers,
      providers: [
        ...(images ? [{ provide: ImageLibrary, useValue: images }] : []),
        ImageFinder,
        {
          provide: ImageSight,
          inject: [ImageFinder, ImageRecordRepository],
          useFactory: (finder: ImageFinder, records: ImageRecordRepository) =>
            new ImageSight(finder, records, images !== null && !parts.imagesOutside),
        },
        { provide: ImageApiSettings, useValue: imageApiSettings(parts) },
        { provide: CacheAdmin, useValue: parts.cache },
        { provide: Conductor, useValue: parts.conductor },
        { provide: NodeRepository, useValue: parts.nodes },
        { provide: PortRepository, useValue: parts.ports },
        { provide: OperationRepository, useValue: parts.operations },
        { provide: EventRepository, useValue: parts.events },
        { provide: ConductorRecordRepository, useValue: parts.conductors },
        ...parts.resources.map((resource) => ({ provide: resource.constructor as Type, useValue: resource })),
        ...(door ? [{ provide: RamdiskDoor, useValue: door }] : []),
        { provide: EventStream, useValue: parts.stream },
        { provide: ApiSettings, useValue: settings },
        { provide: Health, useValue: new Health(parts.conductors, parts.dataDirectory) },
        { provide: Served, useValue: { images: images !== null } satisfies Served },
        { provide: DescribedRoutes, useValue: { routes: declaredRoutes(controllers) } },
        NodeFinder,
        NodeList,
        NodeView,
        NodeEditor,
        PortEditor,
        PortFinder,
        NodeLink,
        PortgroupFinder,
        VolumeList,
        PortgroupList,
        PortgroupEditor,
        PortList,
        AllocationEditor,
        RunbookEditor,
        InspectionRuleEditor,
        RunbookUse,
      ],
    };
  }
}

function imageApiSettings({ imageSettings }: OperatorApiParts): ImageApiSettings {
  return {
    defaultLimit: imageSettings.default_limit,
    maxLimit: imageSettings.max_limit,
    maxProperties: imageSettings.max_properties,
    maxTags: imageSettings.max_tags,
    maxMembers: imageSettings.max_members,
    idleTimeout: imageSettings.upload_idle_timeout * 1000,
    importMethods: ['glance-direct', ...(imageSettings.web_download ? ['web-download'] : [])],
  };
}

/** The API for operators and clients. Its listener starts with `listen`. */
export function createOperatorApi(parts: OperatorApiParts): Promise<ApiListener> {
  const { settings, access } = parts;
  const log = parts.log.child({ listener: 'api' });
  const door = parts.ramdisks && new RamdiskDoor(parts.ramdisks.settings, parts.ramdisks.sources, log);
  return createListener(OperatorApiModule.forRoot(parts, door), {
    access,
    log,
    publicEndpoint: settings.public_endpoint,
    maxBodyBytes: settings.max_body_bytes,
    largerBodies: {
      '/states/provision': settings.max_provision_body_bytes,
      ...(door
        ? {
            '/continue_inspection': MAX_INSPECTION_BODY,
            '/continue_inspection/:secret': MAX_INSPECTION_BODY,
          }
        : {}),
    },
    requestTimeout: 300_000,
    allowedHosts: settings.allowed_hosts,
    ...(door ? { admit: ({ ip, url }) => door.admit(ip, url) } : {}),
    connections: { total: settings.max_connections, perClient: settings.max_connections_per_client },
    // Who got so far has a login.
    bodies: {
      total: 4 * settings.max_provision_body_bytes,
      perClient: 2 * settings.max_provision_body_bytes,
    },
  });
}
