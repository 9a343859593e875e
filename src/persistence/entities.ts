import { Allocation } from './allocation/allocation.entity.js';
import { BootPlanMac, BootPlanRow } from './boot-plan/boot-plan.entity.js';
import { Chassis } from './chassis/chassis.entity.js';
import { ConductorRecord } from './conductor-record/conductor-record.entity.js';
import { DeployTemplate } from './deploy-template/deploy-template.entity.js';
import { Event } from './event/event.entity.js';
import {
  BiosSettingRow,
  FirmwareComponentRow,
  InspectionReportRow,
  InventoryRow,
} from './hardware/hardware.entity.js';
import { DeletedImage, ImageMember, ImageRecord } from './image-record/image-record.entity.js';
import { InspectionRule } from './inspection-rule/inspection-rule.entity.js';
import { Lease } from './lease/lease.entity.js';
import { Node } from './node/node.entity.js';
import { Operation, OperationStep } from './operation/operation.entity.js';
import { Port } from './port/port.entity.js';
import { Portgroup } from './portgroup/portgroup.entity.js';
import { PublishedFileRow } from './published-file/published-file.entity.js';
import { Runbook } from './runbook/runbook.entity.js';
import { VolumeConnector, VolumeTarget } from './volume/volume.entity.js';

/** Every table of the schema. */
export const ENTITIES = [
  Node,
  Port,
  ConductorRecord,
  Operation,
  OperationStep,
  Event,
  BootPlanRow,
  BootPlanMac,
  PublishedFileRow,
  Lease,
  Chassis,
  BiosSettingRow,
  FirmwareComponentRow,
  InventoryRow,
  InspectionReportRow,
  Portgroup,
  Allocation,
  DeployTemplate,
  Runbook,
  InspectionRule,
  VolumeConnector,
  VolumeTarget,
  ImageRecord,
  ImageMember,
  DeletedImage,
];
