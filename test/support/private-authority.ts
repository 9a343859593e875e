import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SecureServer {
  /** `https://127.0.0.1:port` */
  url: string;
  port: number;
  /** PEM file of the authority that signed the server's certificate. */
  authority: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An HTTPS server on loopback, whose certificate a private authority of its own has signed. */
export async function startSecureServer(handler: RequestListener): Promise<SecureServer> {
  const dir = mkdtempSync(join(tmpdir(), 'authority-'));
  const path = (name: string) => join(dir, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const openssl = (...args: string[]) =>
    execFileSync('openssl', ['req', '-x509', ...args], { stdio: 'pipe' });
  openssl(...key, '-keyout', path('ca.key'), '-out', path('ca.pem'), '-subj', '/CN=private authority');
  const signed = [
    '-CA',
    path('ca.pem'),
    '-CAkey',
    path('ca.key'),
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ];
  const named = ['-subj', '/CN=images', '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl(...key, '-keyout', path('key.pem'), '-out', path('cert.pem'), ...signed, ...named);
  const [own, cert] = [readFileSync(path('key.pem')), readFileSync(path('cert.pem'))];
  const server = createServer({ key: own, cert }, handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await rm(dir, { recursive: true });
  };
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    authority: path('ca.pem'),
    close,
    [Symbol.asyncDispose]: close,
  };
}
