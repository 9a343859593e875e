import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { DataSource } from 'typeorm';
import { CONFIG } from '../config/config.module.js';
import { conductorHost } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import { checkCallbackUrl } from '../domain/agent/callback-url.js';
import { DriverModule } from '../driver/driver.module.js';
import { DriverRegistry } from '../driver/registry.js';
import { ImageModule } from '../image/image.module.js';
import { ImageService } from '../image/image-service.js';
import { addressGuardSettings } from '../image/settings.js';
import { AllocationRepository } from '../persistence/allocation/allocation.repository.js';
import { ConductorRecordRepository } from '../persistence/conductor-record/conductor-record.repository.js';
import { DeployTemplateRepository } from '../persistence/deploy-template/deploy-template.repository.js';
import { EventRepository } from '../persistence/event/event.repository.js';
import { InspectionRuleRepository } from '../persistence/inspection-rule/inspection-rule.repository.js';
import { LeaseRepository } from '../persistence/lease/lease.repository.js';
import { SourceRule } from '../persistence/lease/source-rule.js';
import { NodeRepository } from '../persistence/node/node.repository.js';
import { OperationRepository } from '../persistence/operation/operation.repository.js';
import { PortRepository } from '../persistence/port/port.repository.js';
import { PortgroupRepository } from '../persistence/portgroup/portgroup.repository.js';
import {
  VolumeConnectorRepository,
  VolumeTargetRepository,
} from '../persistence/volume/volume.repository.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/logger.module.js';
import { type ComposedConductor, composeConductor } from './compose.js';
import { ruleCall } from './inspection/rule-call.js';
import { PeriodicRunner } from './periodic/periodic-runner.js';
import { Conductor } from './service/conductor.js';
import { sourceRule } from './service/source-rule.js';

export const COMPOSED_CONDUCTOR = Symbol('composed conductor');

/** The conductor with all that it works with. Its injection token for others is `Conductor`. */
@Module({})
export class ConductorModule {
  /** @param onReplaced another process took this host name */
  static forRoot(onReplaced: () => void): DynamicModule {
    return {
      module: ConductorModule,
      imports: [ScheduleModule.forRoot(), ImageModule, DriverModule],
      providers: [
        {
          provide: SourceRule,
          inject: [CONFIG, LeaseRepository],
          useFactory: sourceRule,
        },
        {
          provide: COMPOSED_CONDUCTOR,
          inject: [
            CONFIG,
            LOGGER,
            DataSource,
            NodeRepository,
            PortRepository,
            PortgroupRepository,
            VolumeConnectorRepository,
            VolumeTargetRepository,
            OperationRepository,
            AllocationRepository,
            DeployTemplateRepository,
            EventRepository,
            ConductorRecordRepository,
            SourceRule,
            InspectionRuleRepository,
            ImageService,
            DriverRegistry,
          ],
          useFactory: (
            config: Config,
            log: Logger,
            source: DataSource,
            nodes: NodeRepository,
            ports: PortRepository,
            portgroups: PortgroupRepository,
            connectors: VolumeConnectorRepository,
            targets: VolumeTargetRepository,
            operations: OperationRepository,
            allocations: AllocationRepository,
            templates: DeployTemplateRepository,
            events: EventRepository,
            conductors: ConductorRecordRepository,
            sources: SourceRule,
            rules: InspectionRuleRepository,
            images: ImageService,
            registry: DriverRegistry,
          ): ComposedConductor =>
            composeConductor({
              source,
              nodes,
              ports,
              portgroups,
              connectors,
              targets,
              operations,
              allocations,
              templates,
              events,
              conductors,
              registry,
              images,
              rules,
              settings: config.conductor,
              inspector: config.inspector,
              callForRule: ruleCall(() => addressGuardSettings(config.image)),
              host: conductorHost(config),
              sources,
              checkCallback: (url, source) =>
                checkCallbackUrl(url, {
                  source,
                  requireTls: config.agent.require_tls,
                  ports: config.agent.callback_ports,
                }),
              onReplaced,
              log,
            }),
        },
        {
          provide: Conductor,
          inject: [COMPOSED_CONDUCTOR],
          useFactory: (all: ComposedConductor) => all.conductor,
        },
        {
          provide: PeriodicRunner,
          inject: [SchedulerRegistry, LOGGER],
          useFactory: (scheduler: SchedulerRegistry, log: Logger) => new PeriodicRunner(scheduler, log),
        },
      ],
      exports: [Conductor, COMPOSED_CONDUCTOR, PeriodicRunner, SourceRule],
    };
  }
}
