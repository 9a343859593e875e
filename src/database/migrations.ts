import { CreateNode1763683200000 } from '../../migrations/1763683200000-create-node.js';
import { CreateOperation1763683260000 } from '../../migrations/1763683260000-create-operation.js';
import { CreateNetboot1763683320000 } from '../../migrations/1763683320000-create-netboot.js';
import { CreateChassis1763700000000 } from '../../migrations/1763700000000-create-chassis.js';
import { CreatePortgroup1763700060000 } from '../../migrations/1763700060000-create-portgroup.js';
import { AddNodeTraits1763700120000 } from '../../migrations/1763700120000-add-node-traits.js';
import { CreateAllocation1763712000000 } from '../../migrations/1763712000000-create-allocation.js';
import { CreateDeployTemplate1763712060000 } from '../../migrations/1763712060000-create-deploy-template.js';
import { CreateRunbook1763712120000 } from '../../migrations/1763712120000-create-runbook.js';
import { CreateInspectionRule1763712180000 } from '../../migrations/1763712180000-create-inspection-rule.js';
import { CreateHardware1763712600000 } from '../../migrations/1763712600000-create-hardware.js';
import { CreateVolume1763713000000 } from '../../migrations/1763713000000-create-volume.js';
import { CreateImage1763720000000 } from '../../migrations/1763720000000-create-image.js';
import { CreateInspectionReport1763724000000 } from '../../migrations/1763724000000-create-inspection-report.js';
import { CreateImageDeleted1763726000000 } from '../../migrations/1763726000000-create-image-deleted.js';
import { AddStepArgsSealed1763727000000 } from '../../migrations/1763727000000-add-step-args-sealed.js';
import { AddLeaseOfThisBoot1763728000000 } from '../../migrations/1763728000000-add-lease-of-this-boot.js';
import { AddLeaseFacts1763729000000 } from '../../migrations/1763729000000-add-lease-facts.js';
import { AddOperationClock1763729060000 } from '../../migrations/1763729060000-add-operation-clock.js';
import { AddNodeConductorIndex1763729120000 } from '../../migrations/1763729120000-add-node-conductor-index.js';
import { AddEventPosition1763731000000 } from '../../migrations/1763731000000-add-event-position.js';
import { CreatePublishedFile1763740000000 } from '../../migrations/1763740000000-create-published-file.js';
import { AddEventActor1763741000000 } from '../../migrations/1763741000000-add-event-actor.js';
import { AddPublishedFileFetched1763742000000 } from '../../migrations/1763742000000-add-published-file-fetched.js';
import { CreateBootSighting1763743000000 } from '../../migrations/1763743000000-create-boot-sighting.js';

/** All migrations, oldest first: a file that is not listed here does not run. */
export const MIGRATIONS = [
  CreateNode1763683200000,
  CreateOperation1763683260000,
  CreateNetboot1763683320000,
  CreateChassis1763700000000,
  CreatePortgroup1763700060000,
  AddNodeTraits1763700120000,
  CreateAllocation1763712000000,
  CreateDeployTemplate1763712060000,
  CreateRunbook1763712120000,
  CreateInspectionRule1763712180000,
  CreateHardware1763712600000,
  CreateVolume1763713000000,
  CreateImage1763720000000,
  CreateInspectionReport1763724000000,
  CreateImageDeleted1763726000000,
  AddStepArgsSealed1763727000000,
  AddLeaseOfThisBoot1763728000000,
  AddLeaseFacts1763729000000,
  AddOperationClock1763729060000,
  AddNodeConductorIndex1763729120000,
  AddEventPosition1763731000000,
  CreatePublishedFile1763740000000,
  AddEventActor1763741000000,
  AddPublishedFileFetched1763742000000,
  CreateBootSighting1763743000000,
];
