import type { EntityClass } from '../database/data-source.js';
import { Allocation } from './allocation/allocation.entity.js';
import { AllocationRepository } from './allocation/allocation.repository.js';
import { BootPlanMac, BootPlanRow } from './boot-plan/boot-plan.entity.js';
import { BootPlanRepository } from './boot-plan/boot-plan.repository.js';
import { BootSighting } from './boot-sighting/boot-sighting.entity.js';
import { BootSightingRepository } from './boot-sighting/boot-sighting.repository.js';
import { Chassis } from './chassis/chassis.entity.js';
import { ChassisRepository } from './chassis/chassis.repository.js';
import { ConductorRecord } from './conductor-record/conductor-record.entity.js';
import { ConductorRecordRepository } from './conductor-record/conductor-record.repository.js';
import { DeployTemplate } from './deploy-template/deploy-template.entity.js';
import { DeployTemplateRepository } from './deploy-template/deploy-template.repository.js';
import { Event } from './event/event.entity.js';
import { EventRepository } from './event/event.repository.js';
import {
  BiosSettingRow,
  FirmwareComponentRow,
  InspectionReportRow,
  InventoryRow,
} from './hardware/hardware.entity.js';
import { HardwareRepository } from './hardware/hardware.repository.js';
import { DeletedImage, ImageMember, ImageRecord } from './image-record/image-record.entity.js';
import { ImageRecordRepository } from './image-record/image-record.repository.js';
import { InspectionRule } from './inspection-rule/inspection-rule.entity.js';
import { InspectionRuleRepository } from './inspection-rule/inspection-rule.repository.js';
import { Lease } from './lease/lease.entity.js';
import { LeaseRepository } from './lease/lease.repository.js';
import { Node } from './node/node.entity.js';
import { NodeRepository } from './node/node.repository.js';
import { NodeCountsRepository } from './node/node-counts.repository.js';
import { AttemptRepository } from './operation/attempt.repository.js';
import { Operation, OperationStep } from './operation/operation.entity.js';
import { OperationRepository } from './operation/operation.repository.js';
import { Port } from './port/port.entity.js';
import { PortRepository } from './port/port.repository.js';
import { Portgroup } from './portgroup/portgroup.entity.js';
import { PortgroupRepository } from './portgroup/portgroup.repository.js';
import { PublishedFileRow } from './published-file/published-file.entity.js';
import { PublishedFileRepository } from './published-file/published-file.repository.js';
import { Runbook } from './runbook/runbook.entity.js';
import { RunbookRepository } from './runbook/runbook.repository.js';
import { VolumeConnector, VolumeTarget } from './volume/volume.entity.js';
import { VolumeConnectorRepository, VolumeTargetRepository } from './volume/volume.repository.js';

/**
 * Every resource: the name under which others inject its repository, the repository and its tables. A repository is
 * constructed with the data source and the keyring.
 */
const RESOURCES = {
  nodes: resource(NodeRepository, Node),
  nodeCounts: resource(NodeCountsRepository),
  ports: resource(PortRepository, Port),
  portgroups: resource(PortgroupRepository, Portgroup),
  chassis: resource(ChassisRepository, Chassis),
  connectors: resource(VolumeConnectorRepository, VolumeConnector),
  targets: resource(VolumeTargetRepository, VolumeTarget),
  hardware: resource(
    HardwareRepository,
    BiosSettingRow,
    FirmwareComponentRow,
    InventoryRow,
    InspectionReportRow,
  ),
  allocations: resource(AllocationRepository, Allocation),
  templates: resource(DeployTemplateRepository, DeployTemplate),
  runbooks: resource(RunbookRepository, Runbook),
  rules: resource(InspectionRuleRepository, InspectionRule),
  operations: resource(OperationRepository, Operation, OperationStep),
  attempts: resource(AttemptRepository),
  events: resource(EventRepository, Event),
  plans: resource(BootPlanRepository, BootPlanRow, BootPlanMac),
  published: resource(PublishedFileRepository, PublishedFileRow),
  bootSightings: resource(BootSightingRepository, BootSighting),
  leases: resource(LeaseRepository, Lease),
  conductors: resource(ConductorRecordRepository, ConductorRecord),
  imageRecords: resource(ImageRecordRepository, ImageRecord, ImageMember, DeletedImage),
};

function resource<R>(repository: R, ...entities: readonly EntityClass[]) {
  return { repository, entities };
}

type Repositories = { readonly [K in keyof typeof RESOURCES]: (typeof RESOURCES)[K]['repository'] };

/** Every repository, by its name. */
export const REPOSITORIES = Object.fromEntries(
  Object.entries(RESOURCES).map(([name, { repository }]) => [name, repository]),
) as Repositories;

/** Every table of the schema. */
export const ENTITIES: readonly EntityClass[] = Object.values(RESOURCES).flatMap(({ entities }) => entities);
