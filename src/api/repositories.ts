import { AllocationRepository } from '../allocation/allocation.repository.js';
import { ChassisRepository } from '../chassis/chassis.repository.js';
import { DeployTemplateRepository } from '../deploy-template/deploy-template.repository.js';
import { HardwareRepository } from '../hardware/hardware.repository.js';
import { ImageRecordRepository } from '../image-record/image-record.repository.js';
import { InspectionRuleRepository } from '../inspection-rule/inspection-rule.repository.js';
import { PortgroupRepository } from '../portgroup/portgroup.repository.js';
import { RunbookRepository } from '../runbook/runbook.repository.js';
import { VolumeConnectorRepository, VolumeTargetRepository } from '../volume/volume.repository.js';

/** Memory rooms of resources that need no more than the data source and the keys of secrets. */
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
