import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkAnswer, checkRefusal } from './openapi.js';

/** A proxy between a client and the daemon that checks each response against the OpenAPI document. */
export interface AnswerCheck {
  /** Base URL for the client. */
  readonly url: string;
  /** Number of checked responses. */
  readonly answers: () => number;
  /** Deviations from the document, without duplicates. */
  readonly faults: () => string[];
  stop(): Promise<void>;
}

/** @param target base URL of the daemon's API */
export async function startAnswerCheck(target: string): Promise<AnswerCheck> {
  const faults = new Set<string>();
  let answers = 0;
  const server = createServer((asked, answer) => {
    forward(target, asked, answer, (status, type, body) => {
      answers += 1;
      const { method = 'GET', url: path = '/', headers } = asked;
      try {
        const json =
          type?.startsWith('application/json') && body !== '' ? (JSON.parse(body) as unknown) : undefined;
        const exchange = { method, path, headers: headers as Record<string, string>, status, body: json };
        if (status < 400) checkAnswer(exchange);
        else checkRefusal(exchange);
      } catch (error) {
        faults.add((error as Error).message);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    answers: () => answers,
    faults: () => [...faults],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Forwards a request with its `Host` header: links point to the proxy. @param seen runs before the client gets it */
function forward(
  target: string,
  asked: IncomingMessage,
  answer: ServerResponse,
  seen: (status: number, type: string | undefined, body: string) => void,
): void {
  const { method, url, headers } = asked;
  const onward = request(target + (url ?? '/'), { method, headers }, (answered) => {
    const parts: Buffer[] = [];
    answered.on('data', (part: Buffer) => parts.push(part));
    answered.on('end', () => {
      const body = Buffer.concat(parts);
      const status = answered.statusCode ?? 0;
      seen(status, answered.headers['content-type'], body.toString());
      answer.writeHead(status, answered.headers);
      answer.end(body);
    });
  });
  onward.on('error', (error) => answer.destroy(error));
  asked.pipe(onward);
}
