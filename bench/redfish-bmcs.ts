// The BMCs of redfish-bench, in a process of their own: one HTTPS server on all loopback addresses; each address is a
// BMC with one system. Sessions are issued and checked.
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificateFor, makeFleetKey } from '../lab/simulated/certificate.js';

const link = (path: string) => ({ '@odata.id': path });
const SYSTEM = {
  ...link('/redfish/v1/Systems/1'),
  Id: '1',
  Name: 'System',
  Manufacturer: 'Ferric Lab',
  PowerState: 'On',
  Boot: { BootSourceOverrideEnabled: 'Disabled', BootSourceOverrideTarget: 'None' },
  Status: { Health: 'OK', State: 'Enabled' },
  Links: { Chassis: [], ManagedBy: [link('/redfish/v1/Managers/1')] },
  Actions: {
    '#ComputerSystem.Reset': {
      target: '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset',
      'ResetType@Redfish.AllowableValues': ['On', 'ForceOff', 'ForceRestart'],
    },
  },
};
const TREE: Record<string, object> = {
  '/redfish/v1': {
    Id: 'RootService',
    Name: 'Root',
    RedfishVersion: '1.11.0',
    UUID: '7e0b1c5c-3f0a-4c9b-9a55-0c3c6a1d0001',
    Systems: link('/redfish/v1/Systems'),
    SessionService: link('/redfish/v1/SessionService'),
    Links: { Sessions: link('/redfish/v1/SessionService/Sessions') },
  },
  '/redfish/v1/SessionService': {
    Id: 'SessionService',
    Name: 'Sessions',
    Sessions: link('/redfish/v1/SessionService/Sessions'),
  },
  '/redfish/v1/Systems': { Name: 'Systems', Members: [link('/redfish/v1/Systems/1')] },
  '/redfish/v1/Systems/1': SYSTEM,
};
const bodies = new Map(Object.entries(TREE).map(([path, body]) => [path, JSON.stringify(body)]));

let connections = 0;
let most = 0;
const key = makeFleetKey();
const server = createServer(
  { key: key.privatePem, cert: certificateFor('127.0.0.1', key) },
  (request, response) => {
    const path = (request.url ?? '/').replace(/(?<=.)\/+$/, '');
    if (request.method === 'POST') {
      response.writeHead(201, {
        'X-Auth-Token': 'token',
        Location: '/redfish/v1/SessionService/Sessions/1',
        'Content-Type': 'application/json',
      });
      response.end(JSON.stringify({ Id: '1', Name: 'Session' }));
      return;
    }
    const open = path === '/redfish/v1' || request.headers['x-auth-token'] === 'token';
    const body = open ? bodies.get(path) : undefined;
    response.writeHead(body ? 200 : open ? 404 : 401, { 'Content-Type': 'application/json', ETag: '"1"' });
    response.end(body ?? '{}');
  },
);
server.on('connection', (socket) => {
  most = Math.max(most, ++connections);
  socket.on('close', () => connections--);
  socket.on('error', () => socket.destroy());
});
server.on('tlsClientError', () => undefined);
server.listen(0, '0.0.0.0', 4096);
await once(server, 'listening');
process.send?.({ port: (server.address() as AddressInfo).port });
process.on('message', () => {
  process.send?.({ open: connections, most });
  most = connections;
});
process.on('disconnect', () => process.exit(0));
