import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type ApiClient, startApi } from './api.js';
import { startTestDatabase, type TestDatabase } from './database.js';

/** The API over a database of its own, whose nodes are deleted before each test. */
class NodeBed {
  database!: TestDatabase;
  api!: ApiClient;
  server!: Awaited<ReturnType<typeof startApi>>;

  async start(): Promise<void> {
    this.database = await startTestDatabase();
    this.server = await startApi(this.database, { groups: ['g', 'rack', 'rack1'] });
    this.api = this.server.api;
  }

  async stop(): Promise<void> {
    await this.server?.stop();
    await this.database?.stop();
  }

  /** @returns the new node as the API answers it */
  readonly create = async (body: object = {}) => {
    const answer = await this.api.post('/v1/nodes', { driver: 'fake-hardware', ...body });
    expect([answer.status, answer.fault]).toEqual([201, '']);
    return answer.json;
  };

  /** Writes columns past the API. @param columns as in `set` of an UPDATE */
  readonly set = (uuid: string, columns: string) =>
    this.database.source.query(`update node set ${columns} where uuid = $1`, [uuid]);

  readonly patch = (uuid: string, ...operations: object[]) => this.api.patch(`/v1/nodes/${uuid}`, operations);
}

/** A bed that lives as long as the test file that calls this. */
export function useNodeBed(): NodeBed {
  const bed = new NodeBed();
  beforeAll(() => bed.start());
  beforeEach(() => bed.database.source.query('truncate node cascade'));
  afterAll(() => bed.stop());
  return bed;
}
