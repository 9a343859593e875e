import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from '../../../agent/src/certificate.js';
import { AGENT_TOKEN, AgentMachine } from '../agent-machine.js';
import type { DriverBench } from '../driver-context.js';
import { type Exchange, type Session, toldRequest } from './recording.js';

/** Upstream's port, on an address of its own, since others may use the port on 127.0.0.1. */
const [HOST, PORT] = ['127.0.99.99', 9999];

/** A machine whose agent replays a recording: one response after the other, whatever the request. */
export class ReplayedAgent extends AgentMachine {
  /** Requests since the last `play`, in the form of recordings. */
  readonly heardRequests: Omit<Exchange, 'status'>[] = [];
  readonly #certificate = makeCertificate(HOST, 'replayed');
  readonly #server = https.createServer(
    { cert: this.#certificate.certificate, key: this.#certificate.privateKey },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        this.heardRequests.push(toldRequest(request.method ?? '', request.url ?? '', body));
        const next = this.#answers.shift();
        if (next?.status === 0) return void request.socket.destroy();
        response.writeHead(next?.status ?? 500, { 'content-type': 'application/json', connection: 'close' });
        response.end(JSON.stringify(next?.answer ?? { faultstring: 'the recording is at its end' }));
      });
    },
  );
  #answers: Exchange[] = [];

  constructor(bench: DriverBench) {
    super(bench, {});
  }

  async listen(): Promise<this> {
    this.#server.listen(PORT, HOST);
    await once(this.#server, 'listening');
    return this;
  }

  play(session: Session): void {
    this.#answers = [...session.told];
    this.heardRequests.length = 0;
  }

  /** Sets the fields that lookup and the first heartbeat set: like the base class, with this peer's address. */
  override report(): void {
    super.report();
    const { port } = this.#server.address() as AddressInfo;
    this.bench.committed = {
      ...this.bench.committed,
      driver_internal_info: {
        ...this.bench.committed.driver_internal_info,
        agent_url: `https://${HOST}:${port}`,
        agent_verify_ca: this.#certificate.certificate,
        agent_secret_token: AGENT_TOKEN,
      },
    };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
