import { Query } from 'pg';
import type { DataSource } from 'typeorm';
import { contained } from '../platform/boundary.js';
import { ownedRunner } from './database.js';

/**
 * Reads rows one by one as they arrive: a long result is never in memory as a whole.
 * @param take must not keep more of a row than it needs
 * @throws what `take` threw, once the result is read to its end
 */
export async function eachRow<Row>(
  source: DataSource,
  text: string,
  values: unknown[],
  take: (row: Row) => void,
): Promise<void> {
  const runner = ownedRunner(source);
  try {
    const client = await runner.connect();
    await new Promise<void>((resolve, reject) => {
      let fault: { error: unknown } | null = null;
      const query = new Query<Row & object>(client.names.prepared(text, values));
      const taken = (row: Row & object) => {
        if (!fault) take(row);
      };
      const failed = (error: unknown) => {
        fault = { error };
      };
      query.on('row', contained('database: rows', taken, failed));
      query.once('error', reject);
      query.once('end', () => (fault ? reject(fault.error as Error) : resolve()));
      client.query(query);
    });
  } catch (error) {
    throw runner.owned(error);
  } finally {
    await runner.release();
  }
}
