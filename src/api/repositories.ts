import { ChassisRepository } from '../chassis/chassis.repository.js';

/** Memory rooms of resources that are the API's alone: each is made of the data source and nothing else. */
export const RESOURCE_REPOSITORIES = [ChassisRepository] as const;
export type ResourceRepository = InstanceType<(typeof RESOURCE_REPOSITORIES)[number]>;
