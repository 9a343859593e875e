import { AllocationRepository } from './allocation/allocation.repository.js';
import { BootPlanRepository } from './boot-plan/boot-plan.repository.js';
import { ChassisRepository } from './chassis/chassis.repository.js';
import { ConductorRecordRepository } from './conductor-record/conductor-record.repository.js';
import { DeployTemplateRepository } from './deploy-template/deploy-template.repository.js';
import { EventRepository } from './event/event.repository.js';
import { HardwareRepository } from './hardware/hardware.repository.js';
import { ImageRecordRepository } from './image-record/image-record.repository.js';
import { InspectionRuleRepository } from './inspection-rule/inspection-rule.repository.js';
import { LeaseRepository } from './lease/lease.repository.js';
import { NodeRepository } from './node/node.repository.js';
import { OperationRepository } from './operation/operation.repository.js';
import { PortRepository } from './port/port.repository.js';
import { PortgroupRepository } from './portgroup/portgroup.repository.js';
import { PublishedFileRepository } from './published-file/published-file.repository.js';
import { RunbookRepository } from './runbook/runbook.repository.js';
import { VolumeConnectorRepository, VolumeTargetRepository } from './volume/volume.repository.js';

/** Repositories of the resources that the API serves as rows; each is made of the data source and the keys of secrets. */
export const RESOURCE_REPOSITORIES = [
  ChassisRepository,
  PortgroupRepository,
  AllocationRepository,
  DeployTemplateRepository,
  RunbookRepository,
  InspectionRuleRepository,
  HardwareRepository,
  VolumeConnectorRepository,
  VolumeTargetRepository,
  ImageRecordRepository,
] as const;
export type ResourceRepository = InstanceType<(typeof RESOURCE_REPOSITORIES)[number]>;

/** Every repository. Each is made of the data source and the keys of secrets. */
export const REPOSITORIES = [
  NodeRepository,
  PortRepository,
  OperationRepository,
  EventRepository,
  BootPlanRepository,
  PublishedFileRepository,
  LeaseRepository,
  ConductorRecordRepository,
  ...RESOURCE_REPOSITORIES,
] as const;
