import { describe, expect, it } from 'vitest';
import type { Call, Caller, RedfishClient } from '../../../../src/driver/redfish/client.js';
import { RedfishMachine } from '../../../../src/driver/redfish/machine.js';
import type { Answer } from '../../../../src/driver/redfish/transport.js';
import type { JsonObject } from '../../../../src/protocol/json.js';
import { readServiceRoot } from '../../../../src/protocol/redfish/service-root.js';

const MIB = 1024 * 1024;

/** A service that answers every path with this, and counts what it was asked. */
function serviceOf(answer: (path: string) => { body: JsonObject; size: number }) {
  const asked: string[] = [];
  let open = 0;
  let most = 0;
  const client = {
    root: () => Promise.resolve(readServiceRoot({})),
    send: async (_caller: Caller, { path }: Call): Promise<Partial<Answer>> => {
      asked.push(path);
      most = Math.max(most, ++open);
      await Promise.resolve();
      open--;
      return { status: 200, ...answer(path) };
    },
  } as unknown as RedfishClient;
  const machine = new RedfishMachine(client, {} as Caller, {});
  return { machine, asked, most: () => most };
}

const links = (count: number, where: string) =>
  Array.from({ length: count }, (_, index) => ({ '@odata.id': `${where}/${index}` }));

describe('a BMC with endless resources', () => {
  it('has no members that are too large together, with pages or without', async () => {
    const large = serviceOf((path): { body: JsonObject; size: number } =>
      path === '/all'
        ? { body: { Members: links(2_000, '/all') }, size: MIB }
        : { body: { '@odata.id': path, Id: 'x' }, size: 7 * MIB },
    );
    await expect(large.machine.members('/all')).rejects.toMatchObject({
      code: 'bmc-failed',
      message: expect.stringContaining('larger than 16 MiB together'),
    });
    expect(large.asked.length).toBeLessThan(5);
    const pages = serviceOf((path) => ({
      body: { Members: [{ '@odata.id': path, Id: 'x' }], 'Members@odata.nextLink': `${path}x` },
      size: 5 * MIB,
    }));
    const linked = large.machine.linked({ Drives: links(5, '/drives') }, 'Drives');
    await expect(linked).rejects.toThrow('Redfish GET /drives/0 failed');
    await expect(pages.machine.members('/all')).rejects.toMatchObject({ code: 'bmc-failed' });
    expect(pages.asked.length).toBeLessThan(5);
  });

  it('is asked for a few of its managers and chassis, one after another', async () => {
    const service = serviceOf((path) => ({ body: { '@odata.id': path, Id: 'x' }, size: 100 }));
    const system = { Links: { ManagedBy: links(100_000, '/m'), Chassis: links(100_000, '/c') } };
    expect(await service.machine.managers(system)).toHaveLength(32);
    expect(await service.machine.chassis(system)).toHaveLength(32);
    expect({ asked: service.asked.length, most: service.most() }).toEqual({ asked: 64, most: 1 });
  });
});
