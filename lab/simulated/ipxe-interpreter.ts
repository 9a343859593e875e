/** Final action of a script. */
export type IpxeOutcome =
  | { kind: 'kernel'; kernel: string; args: string; initrds: readonly string[] }
  /** `exit` or `sanboot`: continue with the next boot device. */
  | { kind: 'local' }
  | { kind: 'reboot' }
  | { kind: 'poweroff' };

export interface IpxeMachine {
  /** Initial settings, such as `net0/mac`, `platform`, `buildarch`. */
  settings: Readonly<Record<string, string>>;
  /** The text at a URL. @throws on failure, such as a 404 */
  fetch(url: string): Promise<string>;
}

/** A script failed without a handler: iPXE would stop with an error on the screen. */
export class IpxeFailure extends Error {
  constructor(line: string, why: string) {
    super(`iPXE: ${line}: ${why}`);
    this.name = 'IpxeFailure';
  }
}

/** Limit of executed commands: a script that exceeds it is taken for an endless loop. */
const MAX_COMMANDS = 5_000;
/** Commands of scripts that do not affect the outcome. */
const WITHOUT_EFFECT = new Set(
  'echo prompt sleep dhcp ifopen ifclose ifconf ifstat ifloop route imgstat imgfree imgverify imgtrust console colour cpair cpuid nstat sync show clear params param vcreate ntp'.split(
    ' ',
  ),
);

/**
 * Runs a script as iPXE (2019 to now) would, as far as network boot scripts need it: settings and their formats,
 * labels, `||` and `&&`, chains with relative URLs.
 * @throws IpxeFailure
 */
export async function runIpxe(script: string, url: string, machine: IpxeMachine): Promise<IpxeOutcome> {
  const run = new Run(machine);
  const outcome = await run.script(script, url);
  // A script that ends without booting returns to the firmware.
  return outcome ?? { kind: 'local' };
}

class Exit extends Error {}

class Run {
  readonly #settings: Map<string, string>;
  #kernel: { url: string; args: string } | undefined;
  #initrds: string[] = [];
  #commands = 0;

  constructor(private readonly machine: IpxeMachine) {
    this.#settings = new Map(Object.entries(machine.settings));
  }

  async script(text: string, url: string): Promise<IpxeOutcome | undefined> {
    if (!text.startsWith('#!ipxe')) throw new IpxeFailure(url, 'exec format error: not a script');
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at]!;
      if (line === '' || line.startsWith('#') || line.startsWith(':')) continue;
      if (++this.#commands > MAX_COMMANDS) throw new IpxeFailure(line, 'the script never ends');
      try {
        const next = await this.#line(line, url);
        if (next === undefined) continue;
        if (!('goto' in next)) return next;
        at = lines.indexOf(`:${next.goto}`);
        if (at < 0) throw new IpxeFailure(line, `no label ${next.goto}`);
      } catch (error) {
        if (error instanceof Exit) return undefined;
        throw error;
      }
    }
    return undefined;
  }

  /** Commands joined by `||` and `&&`; each runs only if the one before failed or succeeded, respectively. */
  async #line(line: string, url: string): Promise<IpxeOutcome | { goto: string } | undefined> {
    let failure: string | undefined;
    let skip = false;
    for (const part of this.#split(line)) {
      if (part === '||' || part === '&&') {
        skip = part === '||' ? failure === undefined : failure !== undefined;
        continue;
      }
      if (skip) continue;
      failure = undefined;
      const words = this.#expand(part).split(/\s+/).filter(Boolean);
      if (words.length === 0) continue;
      try {
        const next = await this.#command(words[0]!, words.slice(1), url);
        if (next !== undefined) return next;
      } catch (error) {
        if (error instanceof Exit) throw error;
        failure = error instanceof Error ? error.message : String(error);
      }
    }
    if (failure !== undefined) throw new IpxeFailure(line, failure);
    return undefined;
  }

  #split(line: string): string[] {
    return line.split(/(?:^|\s+)(\|\||&&)(?:\s+|$)/);
  }

  /** Expands `${name}` and `${name:format}`, innermost first, so that `${net${i}/mac}` works. */
  #expand(text: string): string {
    const innermost = /\$\{([^${}]*)\}/;
    let expanded = text;
    for (let match = innermost.exec(expanded); match !== null; match = innermost.exec(expanded))
      expanded = expanded.replace(match[0], () => this.#value(match[1]!));
    return expanded;
  }

  #value(reference: string): string {
    const [name, format] = reference.split(':') as [string, string?];
    const value = this.#settings.get(name) ?? '';
    if (format === 'hexhyp') return value.replaceAll(':', '-');
    if (format === 'hexraw') return value.replaceAll(':', '');
    if (format === 'uristring') return encodeURIComponent(value);
    return value;
  }

  async #command(
    name: string,
    args: readonly string[],
    url: string,
  ): Promise<IpxeOutcome | { goto: string } | undefined> {
    const { options, rest } = splitOptions(args);
    switch (name) {
      case 'set':
        this.#settings.set(rest[0]!.split(':')[0]!, rest.slice(1).join(' '));
        return undefined;
      case 'inc': {
        const key = rest[0]!.split(':')[0]!;
        const by = Number(rest[1] ?? 1);
        this.#settings.set(key, String(Number(this.#settings.get(key) ?? 0) + by));
        return undefined;
      }
      case 'isset':
        if (rest.length === 0) throw new Error('not set');
        return undefined;
      case 'iseq':
        if (rest[0] !== rest[1]) throw new Error('not equal');
        return undefined;
      case 'goto':
        return { goto: rest[0]! };
      case 'exit':
        if (Number(rest[0] ?? 0) !== 0) throw new Error(`exit ${rest[0]}`);
        throw new Exit();
      case 'kernel':
      case 'linux':
      case 'imgselect':
        this.#kernel = { url: absolute(rest[0], url), args: rest.slice(1).join(' ') };
        return undefined;
      case 'imgargs':
        if (this.#kernel !== undefined) this.#kernel.args = rest.slice(1).join(' ');
        return undefined;
      case 'initrd':
      case 'module':
      case 'imgfetch':
        this.#initrds.push(absolute(rest[0], url));
        return undefined;
      case 'chain': {
        const target = absolute(rest[0], url);
        const outcome = await this.script(await this.machine.fetch(target), target);
        // With --replace there is no calling script to return to.
        return outcome ?? (options.has('--replace') ? { kind: 'local' } : undefined);
      }
      case 'boot': {
        if (rest[0] !== undefined && this.#kernel === undefined)
          this.#kernel = { url: absolute(rest[0], url), args: rest.slice(1).join(' ') };
        if (this.#kernel === undefined) throw new Error('no image to boot');
        return { kind: 'kernel', kernel: this.#kernel.url, args: this.#kernel.args, initrds: this.#initrds };
      }
      case 'sanboot':
        return { kind: 'local' };
      case 'reboot':
        return { kind: 'reboot' };
      case 'poweroff':
        return { kind: 'poweroff' };
      default:
        if (WITHOUT_EFFECT.has(name)) return undefined;
        throw new Error('command not found, or one that waits for a person');
    }
  }
}

/** Splits off options; some take a value (`--name value`). A lone `--` ends them. */
function splitOptions(args: readonly string[]): { options: Set<string>; rest: string[] } {
  const withValue = new Set(['--name', '--timeout', '--drive', '--keep', '--ext']);
  const options = new Set<string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (rest.length > 0 || !word.startsWith('-')) rest.push(word);
    else {
      options.add(word.split('=')[0]!);
      if (withValue.has(word)) i++;
    }
  }
  return { options, rest };
}

function absolute(reference: string | undefined, base: string): string {
  if (reference === undefined) throw new Error('no URL given');
  return new URL(reference, base).href;
}
