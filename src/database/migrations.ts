import { CreateNode1763683200000 } from '../../migrations/1763683200000-create-node.js';
import { CreateOperation1763683260000 } from '../../migrations/1763683260000-create-operation.js';

/** Every migration, oldest first: a file that is not listed here does not run. */
export const MIGRATIONS = [CreateNode1763683200000, CreateOperation1763683260000];
