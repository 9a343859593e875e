import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CIPHER_SUITES, type CipherSuite } from '../../../../src/protocol/ipmi/cipher-suite.js';
import { CHASSIS, NET_FN } from '../../../../src/protocol/ipmi/command.js';
import { type ConsoleSession, isAnswerTo } from '../../../../src/protocol/ipmi/console-session.js';
import { Login, type LoginStep } from '../../../../src/protocol/ipmi/login.js';
import { encodeMessage } from '../../../../src/protocol/ipmi/message.js';
import type { IpmiCrypto } from '../../../../src/protocol/ipmi/security.js';
import { sealPacket } from '../../../../src/protocol/ipmi/security.js';
import { MalformedPacket } from '../../../../src/protocol/malformed-packet.js';
import { RECORDED } from './recorded-sessions.js';

function cryptoWith(random: (length: number) => Uint8Array): IpmiCrypto {
  return {
    hmac: (hash, key, message) => createHmac(hash, key).update(message).digest(),
    encrypt: (key, iv, plain) => {
      const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
      return Buffer.concat([cipher.update(plain), cipher.final()]);
    },
    decrypt: (key, iv, sealed) => {
      const decipher = createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
      return Buffer.concat([decipher.update(sealed), decipher.final()]);
    },
    random,
  };
}

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const text = (value: string) => new TextEncoder().encode(value);
const suiteOf = (id: number) => CIPHER_SUITES.find((suite) => suite.id === id)!;
const GET_STATUS = { netFn: NET_FN.chassis, command: CHASSIS.getStatus, data: new Uint8Array(0) };
/** RMCP (4 octets) and RMCP+ header (12 octets). */
const HEADER = 16;

/** A BMC's packet without its RMCP header, with that tag: ipmitool always uses tag 0, which no code covers. */
function tagged(packet: string, tag: number): Uint8Array {
  const bytes = fromHex(packet);
  bytes[HEADER] = tag;
  return bytes.subarray(4);
}

function packetOf(step: LoginStep): Uint8Array {
  if (step.is !== 'send') throw new Error(`${step.is}, not a packet to send`);
  return step.packet;
}

describe.each(RECORDED)('against what ipmitool sent in a session with suite $suite', (recorded) => {
  const suite = suiteOf(recorded.suite);
  const [open, rakp1, rakp3, status] = (['open', 'rakp1', 'rakp3', 'status'] as const).map((name) =>
    fromHex(recorded[name]),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

  /** A login with ipmitool's random numbers, which are then followed by the initialization vector of its command. */
  function begun(options: { password?: string; tag?: number } = {}) {
    const numbers = [
      Uint8Array.of(...open.subarray(HEADER + 4, HEADER + 8), options.tag ?? 0),
      rakp1.subarray(HEADER + 8, HEADER + 24),
    ];
    const iv = status.subarray(HEADER, HEADER + 16);
    const login = new Login(
      cryptoWith(() => numbers.shift() ?? iv),
      { suite, username: text('admin'), password: text(options.password ?? 'secret'), privilege: 4 },
    );
    return { login, first: login.begin() };
  }

  it('sends the same, but for its tags and the privilege level that it names', () => {
    const { login, first } = begun();
    const named = open.slice();
    named[HEADER + 1] = 4;
    expect(first).toEqual(named);
    const second = packetOf(login.receive(tagged(recorded.opened, 0))).slice();
    expect(second[HEADER]).toBe(1);
    second[HEADER] = 0;
    expect(second).toEqual(rakp1);
    const third = packetOf(login.receive(tagged(recorded.rakp2, 1))).slice();
    expect(third[HEADER]).toBe(2);
    third[HEADER] = 0;
    expect(third).toEqual(rakp3);
    const end = login.receive(tagged(recorded.rakp4, 2));
    if (end.is !== 'done') throw new Error(`${end.is} instead of a session`);
    expect(end.dialect.name).toBe('standard');
    let packet = end.session.seal(GET_STATUS, 0);
    for (let sent = 1; sent < 8; sent++) {
      expect(packet).not.toEqual(status);
      packet = end.session.seal(GET_STATUS, recorded.requestSequence);
    }
    expect(Buffer.from(packet).toString('hex')).toBe(recorded.status);
  });

  it('sees a wrong password in RAKP 2, proves nothing, and takes its leave', () => {
    const { login } = begun({ password: 'other' });
    login.receive(tagged(recorded.opened, 0));
    const end = login.receive(tagged(recorded.rakp2, 1));
    expect(end).toMatchObject({ is: 'refused', refusal: { kind: 'password', status: 0 } });
    const { farewell } = (end as Extract<LoginStep, { is: 'refused' }>).refusal;
    expect(farewell?.[HEADER + 1]).toBe(0x0f); // "invalid integrity check value", and no code
    expect(farewell?.length).toBe(HEADER + 8);
  });

  it('no changed octet of an answer makes a session, nor does an answer to something else', () => {
    const answers = [recorded.opened, recorded.rakp2, recorded.rakp4];
    const unsigned = new Set<string>(); // octets whose change goes unnoticed
    for (const [stage, answer] of answers.entries()) {
      for (let at = 4; at < answer.length / 2; at++) {
        const { login } = begun();
        let step: LoginStep | undefined;
        for (const [i, packet] of answers.entries()) {
          const bytes = tagged(packet, i);
          if (i === stage) bytes[at - 4]! ^= 0x04;
          try {
            step = login.receive(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedPacket);
            step = undefined;
          }
          if (step?.is !== 'send') break;
        }
        if (step?.is === 'done') unsigned.add(`${stage}:${at}`);
      }
    }
    // The packet's sequence (10-13: 0 outside a session), its flag octets, and what is reserved: RAKP itself covers none.
    const ids = [...unsigned].map((one) => Number(one.split(':')[1]));
    expect(ids.filter((at) => (at < 10 || at > 13) && (at < 17 || at > 19) && at < 28)).toEqual([]);
    for (const stage of [1, 2]) {
      const { login } = begun();
      expect(() => login.receive(tagged(answers[stage]!, 0))).toThrow(MalformedPacket);
    }
    const { login } = begun({ tag: 7 });
    expect(() => login.receive(tagged(recorded.opened, 6))).toThrow('an answer to an earlier packet');
  });
});

/** A BMC of node:crypto alone, octet by octet; it shares no code with what it answers. */
class PaperBmc {
  readonly #random = randomBytes(16);
  readonly #guid = randomBytes(16);
  readonly #id = randomBytes(4);
  #open = Buffer.alloc(0);
  #rakp1 = Buffer.alloc(0);
  constructor(
    readonly suite: CipherSuite,
    readonly quirk: { role?: 'plain'; name?: 'padded'; short?: boolean; whole?: boolean } = {},
    readonly password = 'secret',
    readonly kg = password,
  ) {}

  #hmac(key: string | Buffer, ...parts: readonly (Uint8Array | number[])[]): Buffer {
    const hmac = createHmac(this.suite.hash, key);
    for (const part of parts) hmac.update(Uint8Array.from(part));
    return hmac.digest();
  }
  #header(type: number, payload: Buffer): Uint8Array {
    const head = Buffer.from([0x06, type, 0, 0, 0, 0, 0, 0, 0, 0, payload.length, 0]);
    return Buffer.concat([head, payload]);
  }
  get #who(): Buffer {
    const name = this.#rakp1.subarray(28);
    const role = this.quirk.role ? this.#open[1]! : this.#rakp1[24]!;
    const shown = this.quirk.name ? Buffer.concat([name, Buffer.alloc(16 - name.length)]) : name;
    return Buffer.concat([Buffer.from([role, shown.length]), shown]);
  }
  /** @param packet whole, with its RMCP header */
  answer(packet: Uint8Array): Uint8Array {
    const payload = Buffer.from(packet.subarray(HEADER));
    const console = () => this.#open.subarray(4, 8);
    switch (packet[5]) {
      case 0x10: {
        this.#open = payload;
        const head = Buffer.from([payload[0]!, 0, payload[1]!, 0]);
        return this.#header(0x11, Buffer.concat([head, console(), this.#id, payload.subarray(8)]));
      }
      case 0x12: {
        this.#rakp1 = payload;
        const theirs = payload.subarray(8, 24);
        const code = this.#hmac(
          this.password,
          console(),
          this.#id,
          theirs,
          this.#random,
          this.#guid,
          this.#who,
        );
        const head = Buffer.from([payload[0]!, 0, 0, 0]);
        const sent = this.quirk.short ? code.subarray(0, -1) : code;
        return this.#header(0x13, Buffer.concat([head, console(), this.#random, this.#guid, sent]));
      }
      default: {
        const expected = this.#hmac(this.password, this.#random, console(), this.#who);
        const proven = expected.equals(payload.subarray(8));
        if (!proven)
          return this.#header(0x15, Buffer.concat([Buffer.from([payload[0]!, 0x0f, 0, 0]), console()]));
        const theirs = this.#rakp1.subarray(8, 24);
        const key = this.#hmac(this.kg, theirs, this.#random, this.#who);
        const whole = this.#hmac(key, theirs, this.#id, this.#guid);
        const check = this.quirk.whole ? whole : whole.subarray(0, this.suite.integrityLength);
        return this.#header(0x15, Buffer.concat([Buffer.from([payload[0]!, 0, 0, 0]), console(), check]));
      }
    }
  }
}

function run(bmc: PaperBmc, options: { kgKey?: Uint8Array; suite?: CipherSuite } = {}): LoginStep {
  const login = new Login(
    cryptoWith((length) => randomBytes(length)),
    { suite: bmc.suite, username: text('admin'), password: text('secret'), privilege: 4, ...options },
  );
  let step: LoginStep = { is: 'send', packet: login.begin() };
  while (step.is === 'send') step = login.receive(bmc.answer(step.packet));
  return step;
}

describe.each(CIPHER_SUITES)('a BMC that is not ours, with suite $id', (suite) => {
  it.each([
    ['standard', {}],
    ['plain privilege', { role: 'plain' }],
    ['padded name', { name: 'padded' }],
    ['plain privilege, padded name', { role: 'plain', name: 'padded' }],
    ['standard', { short: true }],
    ['standard', { whole: true }],
  ] as const)('speaks the dialect %s: %j', (name, quirk) => {
    expect(run(new PaperBmc(suite, quirk))).toMatchObject({ is: 'done', dialect: { name } });
  });

  it('a Kg key of its own is needed, and told from a password', () => {
    const bmc = new PaperBmc(suite, {}, 'secret', 'generator');
    expect(run(bmc)).toMatchObject({ is: 'refused', refusal: { kind: 'kg' } });
    expect(run(bmc, { kgKey: text('generator') })).toMatchObject({ is: 'done' });
  });

  it('the suite that it chose instead is told', () => {
    const other = CIPHER_SUITES.find(({ id }) => id !== suite.id)!;
    const bmc = new PaperBmc(suite);
    const stubborn = {
      suite,
      answer: (packet: Uint8Array) => {
        const answer = Buffer.from(bmc.answer(packet));
        answer[12 + 12 + 4] = suite.authentication;
        answer[12 + 20 + 4] = suite.integrity;
        return answer;
      },
    } as unknown as PaperBmc;
    expect(run(stubborn, { suite: other })).toMatchObject({
      is: 'refused',
      refusal: { kind: 'suite', status: 0, offered: { id: suite.id } },
    });
  });
});

describe('a refusal', () => {
  it('may end after its status, as OpenIPMI’s does to a suite that it has not', () => {
    const random = [Uint8Array.of(0, 0xf9, 0xc5, 0x81, 0x4e), new Uint8Array(16)];
    const login = new Login(
      cryptoWith(() => random.shift() ?? new Uint8Array(16)),
      { suite: suiteOf(17), username: text('admin'), password: text('secret'), privilege: 4 },
    );
    login.begin();
    expect(() => login.receive(fromHex('0611000000000000000002004f04'))).toThrow('an earlier packet');
    expect(login.receive(fromHex('0611000000000000000002004e04'))).toMatchObject({
      is: 'refused',
      refusal: { kind: 'suite', status: 4 },
    });
  });
});

describe('a session', () => {
  const suite = suiteOf(17);
  const crypto = cryptoWith((length) => randomBytes(length));
  function established(): ConsoleSession {
    const end = run(new PaperBmc(suite));
    if (end.is !== 'done') throw new Error(end.is);
    return end.session;
  }
  /** The BMC's packet to a session. */
  function answered(session: ConsoleSession, sequence: number, requestSequence: number, spoilt = false) {
    const { keys, consoleSessionId } = session.identity;
    const payload = encodeMessage({
      kind: 'response',
      responder: { address: 0x20, lun: 0 },
      requester: { address: 0x81, lun: 0 },
      sequence: requestSequence,
      ...GET_STATUS,
      completionCode: 0,
      data: Uint8Array.of(1, 0, 0),
    });
    if (spoilt) payload[payload.length - 1]! ^= 0x55;
    return sealPacket(crypto, suite, keys, {
      payloadType: 0,
      sessionId: consoleSessionId,
      sequence,
      payload,
    });
  }

  it('takes each answer once, in any order, whatever numbers the BMC leaves out', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), (numbers) => {
        const session = established();
        for (const number of numbers) session.open(answered(session, number, 1));
        for (const number of numbers)
          expect(() => session.open(answered(session, number, 1))).toThrow('a repeated sequence number');
      }),
      { numRuns: 30 },
    );
    const session = established();
    for (const number of [2, 4, 6, 400, 0x7fffffff]) session.open(answered(session, number, 1));
    expect(() => session.open(answered(session, 400, 1))).toThrow(MalformedPacket);
  });

  it('believes the authentication code and not the checksums, which some BMCs compute wrongly', () => {
    const session = established();
    expect(session.open(answered(session, 1, 5, true))).toMatchObject({ sequence: 5, completionCode: 0 });
    for (let at = 0; at < answered(session, 2, 5).length; at++) {
      const packet = answered(session, 2, 5);
      packet[at]! ^= 0x20;
      expect(() => session.open(packet), `octet ${at}`).toThrow(MalformedPacket);
    }
    for (let length = 0; length < answered(session, 2, 5).length; length++)
      expect(() => session.open(answered(session, 2, 5).subarray(0, length))).toThrow(MalformedPacket);
    session.open(answered(session, 2, 5)); // none of those has used the number up
  });

  it('tells the answer to a request from the answer to an earlier one', () => {
    const session = established();
    const [first, second] = [session.nextRequest(), session.nextRequest()];
    const late = session.open(answered(session, 1, first));
    expect(isAnswerTo(late, GET_STATUS, second)).toBe(false);
    expect(isAnswerTo(late, GET_STATUS, first)).toBe(true);
    expect(isAnswerTo(late, { ...GET_STATUS, command: CHASSIS.control }, first)).toBe(false);
    const all = Array.from({ length: 200 }, () => session.nextRequest());
    expect([Math.min(...all), Math.max(...all)]).toEqual([1, 63]);
  });
});
