/**
 * Handlers that do not throw here, as `owner @ file`, by the reason. Any other one must throw: a new one fails this test
 * until a round calls it, or it is listed here.
 */
const EXCUSED: Record<string, readonly string[]> = {
  'ends a process whose stop hangs': ['exit @ start/run.js'],
  'only with several servers in database.url; it does nothing': ['database: question @ database/servers.js'],
  'only for a connection whose handshake ends in the 100 ms of a stop': [
    'a connection before a stop @ platform/refuse-connections.js',
  ],
};

/** Handlers that throw in a test of their own, which shows that whoever waits hears of it; by that test's file. */
export const THROWN_IN: Record<string, readonly string[]> = {
  'test/component/api/metrics-silence.spec.ts': [
    'metrics: silent connection @ api/metrics/metrics-server.js',
  ],
  'test/component/conductor/inspection/rule-thread.spec.ts': [
    'inspection rules: clock @ conductor/inspection/rule-thread.js',
    'inspection rules: stop @ conductor/inspection/rule-thread.js',
  ],
  'test/component/conductor/name-lock.spec.ts': ['conductor’s name @ conductor/execution/name-lock.js'],
  'test/component/database/embedded-server.spec.ts': [
    'postgres: process @ database/embedded-server.js',
    'postgres: restart @ database/embedded-server.js',
    'postgres: stop @ database/embedded-server.js',
  ],
  'test/component/database/failover.spec.ts': [
    'database: notice @ database/prepared.js',
    'database: primary @ database/servers.js',
    'database: primary settled @ database/servers.js',
  ],
  'test/component/database/fault.spec.ts': ['database: rows @ database/each-row.js'],
  'test/component/database/prepared.spec.ts': ['database: connection out of date @ database/prepared.js'],
  'test/component/driver/agent-client.spec.ts': ['agent: connection @ driver/agent/pinned-request.js'],
  'test/component/driver/ipmi-native-sessions.spec.ts': [
    'ipmi: cancelled @ driver/ipmi/native/exchange.js',
    'ipmi: farewell @ driver/ipmi/native/sockets.js',
    'ipmi: idle session @ driver/ipmi/native/kept-sessions.js',
    'ipmi: session end @ driver/ipmi/native/kept-sessions.js',
    'ipmi: socket @ driver/ipmi/native/sockets.js',
  ],
  'test/component/image-library/receiver.spec.ts': [
    'image store: thread @ image-library/receiver.js',
    'image store: thread @ image-library/receiver.js',
  ],
  'test/component/image/download-fault.spec.ts': [
    'download: body @ image/fetch/download.js',
    'download: body @ image/fetch/download.js',
    'download: body @ image/fetch/download.js',
    'download: rate @ image/fetch/download.js',
  ],
  'test/component/image/http-cache.spec.ts': ['images: a waiter leaves @ image/fetch/fetcher.js'],
  'test/component/image/transfer-pool.spec.ts': [
    'transfer thread @ image/fetch/transfer-pool.js',
    'transfer thread @ image/fetch/transfer-pool.js',
  ],
  'test/component/netboot/dhcp-proof.spec.ts': [
    'DHCP: proof of the interface @ netboot/dhcp/device-socket.js',
    'DHCP: proof of the interface @ netboot/dhcp/device-socket.js',
  ],
  'test/component/netboot/http-silence.spec.ts': ['HTTP boot: silent connection @ netboot/http/server.js'],
  'test/component/netboot/tftp-own-addresses.spec.ts': ['TFTP: own addresses @ netboot/tftp/doors.js'],
  'test/component/platform/command-process.spec.ts': ['command process @ platform/command-process.js'],
  'test/component/platform/held-ports.spec.ts': ['a port that is held @ platform/held-ports.js'],
  'test/component/platform/host-resolver.spec.ts': ['name resolution @ platform/host-resolver.js'],
  'test/component/platform/unix-socket.spec.ts': [
    'a Unix socket that is there @ platform/unix-socket.js',
    'a Unix socket that is there @ platform/unix-socket.js',
  ],
  'test/component/platform/worker-thread.spec.ts': [
    'inspection rules: thread @ platform/worker-thread.js',
    'inspection rules: thread @ platform/worker-thread.js',
  ],
  'test/unit/api/metrics/readiness.spec.ts': ['a look at readiness @ api/metrics/readiness.js'],
  'test/unit/api/request/silence.spec.ts': [
    'API: slow request @ api/request/bytes.js',
    'images: refused upload @ api/v2/image/transfer.js',
  ],
  'test/unit/api/v1/event/event-writer.spec.ts': [
    'event stream: beat @ api/v1/event/event-writer.js',
    'event stream: reader @ api/v1/event/event-writer.js',
  ],
  'test/unit/conductor/execution/call-limit.spec.ts': [
    'driver call: end @ conductor/execution/call-limit.js',
    'driver call: expired @ conductor/execution/call-limit.js',
    'driver call: grace @ conductor/execution/call-limit.js',
    'driver call: limit @ conductor/execution/call-limit.js',
  ],
  'test/unit/conductor/periodic/periodic-runner.spec.ts': [
    'periodic task image-cache @ conductor/periodic/periodic-runner.js',
    'periodic task published-files @ conductor/periodic/periodic-runner.js',
  ],
  'test/unit/conductor/periodic/poll-lanes.spec.ts': ['look at machines @ conductor/periodic/poll-lanes.js'],
  'test/unit/database/servers.spec.ts': ['database: connection @ database/servers.js'],
  'test/unit/driver/bmc/queue.spec.ts': [
    'bmc: queue @ driver/bmc/queue.js',
    'bmc: queue @ driver/bmc/queue.js',
  ],
  'test/unit/driver/ipmi/pace.spec.ts': ['ipmi: pace @ driver/ipmi/native/pace.js'],
  'test/unit/driver/ipmi/shadow.spec.ts': ['ipmi: shadow @ driver/ipmi/shadow.js'],
  'test/unit/driver/redfish/fingerprint.spec.ts': [
    'redfish: certificate @ driver/redfish/trust.js',
    'redfish: certificate @ driver/redfish/trust.js',
    'redfish: certificate @ driver/redfish/trust.js',
    'redfish: certificate @ driver/redfish/trust.js',
  ],
  'test/unit/platform/log-output.spec.ts': ['log @ platform/log-output.js'],
  'test/unit/platform/mutex.spec.ts': ['semaphore @ platform/mutex.js'],
  'test/unit/platform/run-command.spec.ts': [
    'command process @ platform/command-process.js',
    'command process @ platform/command-process.js',
    'command: cancel @ platform/run-command.js',
    'command: deadline @ platform/run-command.js',
    'command: end @ platform/run-command.js',
  ],
  'test/unit/platform/send-file.spec.ts': ['a file’s reader @ platform/send-file.js'],
};

export const NOT_CALLED = [...Object.values(EXCUSED), ...Object.values(THROWN_IN)].flat().sort();
