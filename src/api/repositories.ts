import { ChassisRepository } from '../chassis/chassis.repository.js';
import { PortgroupRepository } from '../portgroup/portgroup.repository.js';

/** Memory rooms of the API's resources, each made of the data source and nothing else. */
export const RESOURCE_REPOSITORIES = [ChassisRepository, PortgroupRepository] as const;
export type ResourceRepository = InstanceType<(typeof RESOURCE_REPOSITORIES)[number]>;
