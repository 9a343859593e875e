import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedImage {
  body: Buffer;
  /** Undefined: no such header. */
  lastModified?: string;
  etag?: string;
  headers?: Record<string, string>;
  /** May respond in place of the server; returns true if it has. */
  fault?: (request: IncomingMessage, response: ServerResponse, turn: number) => boolean;
}

export interface ImageServer {
  url: string;
  port: number;
  images: Map<string, ServedImage>;
  /** Requests in order, as `GET /x` or `GET /x bytes=5- if "etag"`. */
  log: string[];
  count(prefix: string): number;
  close(): Promise<void>;
}

/** An HTTP server of images on loopback, with faults on request. */
export async function startImageServer(): Promise<ImageServer> {
  const images = new Map<string, ServedImage>();
  const log: string[] = [];
  const turns = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!;
    const { range } = request.headers;
    log.push(`${request.method} ${path}${range ? ` ${range} if ${request.headers['if-range']}` : ''}`);
    const image = images.get(path);
    if (!image) {
      response.writeHead(404).end();
      return;
    }
    const turn = turns.get(`${request.method} ${path}`) ?? 0;
    turns.set(`${request.method} ${path}`, turn + 1);
    if (image.fault?.(request, response, turn)) return;
    serveImage(image, request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    images,
    log,
    count: (prefix) => log.filter((line) => line.startsWith(prefix)).length,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function headersOf(image: ServedImage): Record<string, string> {
  return {
    ...(image.lastModified ? { 'last-modified': image.lastModified } : {}),
    ...(image.etag ? { etag: image.etag } : {}),
    ...image.headers,
  };
}

export function serveImage(image: ServedImage, request: IncomingMessage, response: ServerResponse): void {
  const { body } = image;
  const headers = headersOf(image);
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const from = match && (condition === image.etag || condition === image.lastModified) ? Number(match[1]) : 0;
  if (from > 0) {
    headers['content-range'] = `bytes ${from}-${body.length - 1}/${body.length}`;
    response.writeHead(206, { ...headers, 'content-length': body.length - from });
  } else {
    response.writeHead(200, { ...headers, 'content-length': body.length });
  }
  response.end(request.method === 'HEAD' ? undefined : body.subarray(from));
}

/** Sends part of an image, then resets the connection. */
export function cutAfter(bytes: number, image: () => ServedImage): ServedImage['fault'] {
  return (request, response, turn) => {
    if (request.method === 'HEAD' || turn > 0) return false;
    const { body } = image();
    response.writeHead(200, { ...headersOf(image()), 'content-length': body.length });
    response.write(body.subarray(0, bytes), () => setTimeout(() => request.socket.resetAndDestroy(), 20));
    return true;
  };
}
