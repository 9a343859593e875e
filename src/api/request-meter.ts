import { METHODS } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { contained } from '../platform/boundary.js';
import { count, observe, reading } from '../platform/meter/meter.js';

/**
 * Measures a listener's answers by route template: paths would make a time series for each node.
 * @param listener `api` or `agent`
 */
export function meterRequests(
  fastify: ReturnType<ReturnType<NestFastifyApplication['getHttpAdapter']>['getInstance']>,
  listener: string,
): void {
  let inFlight = 0;
  const end = reading('http_in_flight', () => [{ labels: { listener }, value: inFlight }]);
  fastify.addHook('onRequest', async (_request, reply) => {
    inFlight++;
    const closed = () => void inFlight--;
    reply.raw.once('close', contained('API: an answer that ended', closed, closed));
  });
  fastify.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const method = METHODS.includes(request.method) ? request.method : 'other';
    count('http_requests_total', { listener, method, route, status: String(reply.statusCode) });
    observe('http_request_duration_seconds', { listener, route }, reply.elapsedTime / 1000);
  });
  fastify.addHook('onClose', async () => end());
}
