import { CreateNode1763683200000 } from '../../migrations/1763683200000-create-node.js';
import { CreateOperation1763683260000 } from '../../migrations/1763683260000-create-operation.js';
import { CreateNetboot1763683320000 } from '../../migrations/1763683320000-create-netboot.js';
import { CreateChassis1763700000000 } from '../../migrations/1763700000000-create-chassis.js';
import { CreatePortgroup1763700060000 } from '../../migrations/1763700060000-create-portgroup.js';
import { AddNodeTraits1763700120000 } from '../../migrations/1763700120000-add-node-traits.js';

/** Every migration, oldest first: a file that is not listed here does not run. */
export const MIGRATIONS = [
  CreateNode1763683200000,
  CreateOperation1763683260000,
  CreateNetboot1763683320000,
  CreateChassis1763700000000,
  CreatePortgroup1763700060000,
  AddNodeTraits1763700120000,
];
