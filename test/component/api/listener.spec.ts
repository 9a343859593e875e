import type { IncomingMessage } from 'node:http';
import { Controller, Get, Req } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Access, type Login } from '../../../src/api/auth/access.js';
import { Policy } from '../../../src/api/auth/policy.js';
import { type ApiListener, createListener } from '../../../src/api/listener.js';
import { Since } from '../../../src/api/microversion/since.js';
import type { ApiRequest } from '../../../src/api/request/asked.js';
import { createLogger } from '../../../src/platform/logger.js';

const SECRET = 'what is on the node';

@Controller('v1/nodes')
class ForgetfulController {
  @Get('forgotten')
  @Since(1)
  @Policy('baremetal:node:get')
  forgotten() {
    return { secret: SECRET };
  }

  @Get('text')
  @Since(1)
  @Policy('baremetal:node:get')
  text() {
    return SECRET;
  }

  @Get('decided')
  @Since(1)
  @Policy('baremetal:node:get')
  decided(@Req() { asked }: ApiRequest) {
    asked.scope.demandRoute({ owner: 'mine' });
    return { secret: SECRET };
  }
}

class Module {}

/** A member of a project: which nodes he sees depends on whose they are. */
class Member extends Access {
  override async login({ headers }: IncomingMessage): Promise<Login> {
    const roles = new Set(['member', 'reader']);
    const subject = { roles, project: 'mine', system: false, servesAll: false, managesOwn: true };
    const [user = 'somebody', project = 'mine'] = JSON.parse(String(headers['x-as'] ?? '[]')) as string[];
    return { user, project, subject };
  }
}

describe('the listener', () => {
  let listener: ApiListener;
  let base: string;
  const lines: string[] = [];

  beforeAll(async () => {
    listener = await createListener(
      { module: Module, controllers: [ForgetfulController] },
      {
        access: new Member(),
        log: createLogger('info', { write: (line) => void lines.push(line) }),
        name: 'api',
        publicEndpoint: null,
        maxBodyBytes: 1_000,
        requestTimeout: 5_000,
      },
    );
    const { port } = await listener.listen({ address: '127.0.0.1', port: 0 });
    base = `http://127.0.0.1:${port}/v1/nodes`;
  });
  afterAll(() => listener.close());

  it.each([
    ['an account', ['a'.repeat(256)], 403],
    ['an account of other letters', ['\u{1f600}'.repeat(255)], 200],
    ['one letter more', ['\u{1f600}'.repeat(256)], 403],
    ['a project', ['alice', 'p'.repeat(256)], 403],
    ['what no column keeps', ['al\u0000ice'], 403],
    ['the longest', ['a'.repeat(255), 'p'.repeat(255)], 200],
  ])('who could not be named in a record of what they do may not even read: %s', async (_, as, status) => {
    const header = JSON.stringify(as).replaceAll(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    expect((await fetch(`${base}/decided`, { headers: { 'x-as': header } })).status).toBe(status);
  });

  it('answers what a rule has decided', async () => {
    const answer = await fetch(`${base}/decided`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ secret: SECRET });
  });

  it.each(['forgotten', 'text'])('answers nothing of a handler that forgot to decide: %s', async (path) => {
    const answer = await fetch(`${base}/${path}`);
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(text).toContain('error_message');
    expect(text).not.toContain(SECRET);
    expect(lines.join('')).toContain('baremetal:node:get was not decided');
  });
});
