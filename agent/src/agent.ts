import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { isBmcCard } from '../../src/domain/node/machine-macs.js';
import type { AgentSettings } from '../../src/protocol/agent/kernel-parameters.js';
import {
  type LookupAnswer,
  type LookupConfig,
  MASKED_TOKEN,
  MIN_TOKEN_LENGTH,
} from '../../src/protocol/agent/lookup.js';
import type { AgentLog } from './agent-log.js';
import { ApiClient } from './api-client.js';
import { makeCertificate, type OwnCertificate } from './certificate.js';
import { CommandBoard, type Extension } from './command-board.js';
import { AgentStopped, messageOf } from './error.js';
import { type CleanTools, cleanExtension } from './extension/clean.js';
import { deployExtension, serviceExtension } from './extension/deploy.js';
import { imageExtension } from './extension/image.js';
import { logExtension } from './extension/log.js';
import { RESCUE_FILES, type RescueFiles, rescueExtension } from './extension/rescue.js';
import { Standby } from './extension/standby.js';
import { Heartbeater } from './heartbeater.js';
import type { WriteImageTools } from './image/transfer.js';
import { Inspection } from './inspection/inspection.js';
import { inventory } from './machine/inventory.js';
import type { Machine } from './machine/machine.js';
import { NodeCache } from './node-cache.js';
import type { RaidArray } from './raid/arrays.js';
import { SoftwareRaid } from './raid/software-raid.js';
import { RestServer } from './rest-server.js';
import { runProgram } from './run-program.js';
import { AGENT_VERSION } from './version.js';

export interface AgentOptions {
  settings: AgentSettings;
  /** PEM: certificate authorities that any server may have beside the system's. */
  authorities?: string | undefined;
  machine: Machine;
  log: AgentLog;
  /** Directories: images in memory, and the state that an agent restarted in the same boot needs. */
  scratchDir: string;
  stateDir: string;
  /** Destination of the rescue user's password; default: the ramdisk's /etc. */
  rescueFiles?: RescueFiles;
  /** Called when the machine has passed to the rescue user. */
  onRescued?: () => void;
}

const WAIT_FOR_NIC_MS = 60_000;

/** The agent's life cycle: wait for hardware, look up the node, serve commands, send heartbeats. */
export class Agent {
  private readonly node: NodeCache;
  private readonly api: ApiClient;
  private readonly startedAt = Date.now() / 1000;
  private config: LookupConfig = { heartbeat_timeout: 300 };
  private token: string | undefined;
  private server: RestServer | undefined;
  private heartbeater: Heartbeater | undefined;

  constructor(private readonly options: AgentOptions) {
    this.node = new NodeCache(options.machine);
    this.api = new ApiClient(options.settings, options.authorities);
  }

  /** @returns when heartbeats have started. @throws AgentStopped */
  async start(): Promise<void> {
    const { settings, log } = this.options;
    if (settings.hardwareInitializationDelay > 0) {
      log.say(`waiting ${settings.hardwareInitializationDelay} s for hardware`);
      await sleep(settings.hardwareInitializationDelay * 1000);
    }
    const macs = await this.waitForInterfaces();
    if (settings.inspectionUrls.length > 0) await this.inspect();
    if (settings.apiUrls.length === 0) {
      log.say('no ipa-api-url: lookup and heartbeats are left out');
      return;
    }
    const found = await this.lookup(macs);
    this.node.update(found.node);
    this.config = found.config;
    this.token = await this.settleToken(found.config.agent_token);
    await this.assembleArrays();
    await this.waitForDisk();
    await this.serve(found.node.uuid);
  }

  async stop(): Promise<void> {
    this.heartbeater?.stop();
    await this.server?.close();
  }

  /** @throws AgentStopped after the failure was reported; init then restarts the agent */
  private async inspect(): Promise<void> {
    const { settings, log, machine } = this.options;
    const node = await new Inspection({
      settings,
      log,
      machine,
      describe: () => inventory(machine, settings.bootMac),
      post: (url, body) => this.api.postTo(url, body),
    }).run();
    log.say(`inspection finished${node === undefined ? '' : `, this is node ${node}`}`);
  }

  private async waitForInterfaces(): Promise<string[]> {
    const until = Date.now() + WAIT_FOR_NIC_MS;
    for (;;) {
      // A BMC's USB network card has the same address on every machine of its kind.
      const cards = this.options.machine.listNetworkInterfaces().filter((nic) => !isBmcCard(nic));
      const macs = cards.map((nic) => nic.mac_address);
      if (macs.length > 0) return macs;
      if (Date.now() > until) throw new AgentStopped('no network interface was found');
      await sleep(200);
    }
  }

  /** Every failure is retried, with growing pauses, until ipa-lookup-timeout has passed. */
  private async lookup(macs: readonly string[]): Promise<LookupAnswer> {
    const { settings, log } = this.options;
    const until = Date.now() + settings.lookupTimeout * 1000;
    let lockPause = 0;
    log.say(`looking up ${macs.join(', ')} at ${settings.apiUrls.join(', ')}`);
    for (let turn = 0; ; turn++) {
      const outcome = await this.api.lookup(macs);
      if (outcome.kind === 'found') {
        log.say(`this is node ${outcome.answer.node.uuid}`);
        return outcome.answer;
      }
      let pause: number;
      if (outcome.kind === 'locked') {
        lockPause = lockPause === 0 ? 5 : lockPause === 5 ? 10 : 30;
        pause = lockPause;
      } else {
        // At first the network is usually not up: retry soon, then back off to a minute, with jitter.
        const ceiling = Math.min(outcome.kind === 'unreachable' && turn < 20 ? 1 : 2 ** turn, 60);
        pause = Math.max(settings.lookupInterval * 0.5, ceiling * (0.5 + Math.random() / 2));
      }
      if (turn < 5 || turn % 5 === 0 || pause > 5)
        log.say(`lookup: ${outcome.kind}: ${outcome.why}; again in ${pause.toFixed(1)} s`);
      if (Date.now() + pause * 1000 > until) {
        throw new AgentStopped(`the node was not found within ${settings.lookupTimeout} s`);
      }
      await sleep(pause * 1000);
    }
  }

  /** Only the first lookup of a boot returns the token: it is kept in memory-backed storage for a restarted agent. */
  private async settleToken(given: string | undefined): Promise<string | undefined> {
    const { settings, log, stateDir } = this.options;
    const path = `${stateDir}/token`;
    if (given !== undefined && given !== MASKED_TOKEN && given.length >= MIN_TOKEN_LENGTH) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, given, { mode: 0o600 });
      return given;
    }
    const kept = await readFile(path, 'utf8').catch(() => undefined);
    const token = settings.agentToken ?? kept;
    if (token === undefined && given === MASKED_TOKEN) {
      throw new AgentStopped(
        'the conductor has given the token of this boot to another agent; the machine must be booted again',
      );
    }
    if (token === undefined) log.say('the conductor gave no usable token: every command will be refused');
    return token;
  }

  private async assembleArrays(): Promise<void> {
    const { machine, log } = this.options;
    let arrays: RaidArray[];
    try {
      arrays = await machine.assembleArrays();
    } catch (error) {
      // Harmless on a machine without arrays; otherwise their disks appear in their place.
      log.say(`software RAID could not be looked for: ${messageOf(error)}`);
      return;
    }
    this.node.knowArrays(arrays);
    for (const { device, name, disks } of arrays)
      log.say(`${device}: array "${name}" of ${disks.join(', ')}`);
  }

  /** A late disk (RAID firmware) must not fail a deployment; a missing one fails the deployment itself later. */
  private async waitForDisk(): Promise<void> {
    const { settings, log } = this.options;
    for (let attempt = 0; attempt < settings.diskWaitAttempts; attempt++) {
      try {
        const device = this.node.rootDevice();
        log.say(`root device ${device.name}, ${device.size} bytes`);
        return;
      } catch (error) {
        if (attempt === 0) log.say(`waiting for the root device: ${(error as Error).message}`);
        await sleep(settings.diskWaitDelay * 1000);
      }
    }
    log.say('the root device was not detected');
  }

  private async serve(nodeUuid: string): Promise<void> {
    const { settings, log } = this.options;
    const address = settings.advertiseHost ?? (await this.ownAddress());
    const own = await this.certificateFor(address);
    const protocol = settings.advertiseProtocol === 'http' || !own ? 'http' : 'https';
    const board = new CommandBoard({
      extensions: this.extensions(),
      log,
      onEnded: () => this.heartbeater?.commandEnded(),
    });
    this.server = new RestServer({
      board,
      token: () => this.token,
      version: AGENT_VERSION,
      startedAt: this.startedAt,
      log,
      readsWithoutToken: (await this.api.apiMinor()) < 96,
      onResultRead: () => this.heartbeater?.resultRead(),
    });
    const port = await this.server.listen(
      settings.listenHost,
      settings.listenPort,
      own,
      settings.tlsMinVersion,
    );
    const advertised = settings.listenPort === 0 ? port : settings.advertisePort;
    const host = address.includes(':') ? `[${address}]` : address;
    const callback = `${protocol}://${host}:${advertised}`;
    let first = true;
    this.heartbeater = new Heartbeater({
      timeout: this.config.heartbeat_timeout,
      log,
      beat: async () => {
        const outcome = await this.api.heartbeat(nodeUuid, {
          callback_url: callback,
          agent_token: this.token,
          agent_version: AGENT_VERSION,
          agent_verify_ca: own?.certificate,
        });
        if (outcome.kind === 'accepted' && first) {
          first = false;
          log.say(`first heartbeat accepted, commands are taken at ${callback}`);
        }
        return outcome;
      },
    });
    this.heartbeater.start();
  }

  private async certificateFor(address: string): Promise<OwnCertificate | undefined> {
    if (this.options.settings.advertiseProtocol === 'http') return undefined;
    if (await this.api.supportsOwnCertificate())
      return makeCertificate(address, hostname() || 'ferric-agent');
    this.options.log.say(
      'the API takes no certificate of an agent (it is older than 1.68): plain HTTP is served',
    );
    return undefined;
  }

  private async ownAddress(): Promise<string> {
    const { settings, machine } = this.options;
    for (let attempt = 0; attempt < settings.ipLookupAttempts; attempt++) {
      if (settings.networkInterface !== undefined) {
        const nic = machine.listNetworkInterfaces().find((item) => item.name === settings.networkInterface);
        const address = nic?.ipv4_address ?? nic?.ipv6_address;
        if (address) return address;
      } else {
        const host = new URL(this.api.url).hostname.replace(/^\[|\]$/g, '');
        const address = await machine.sourceAddressTo(host);
        if (address !== undefined && !/^(fe80:|169\.254\.)/i.test(address)) return address;
      }
      await sleep(settings.ipLookupTimeout * 1000);
    }
    throw new AgentStopped('Agent could not find a valid IP address.');
  }

  private extensions(): Record<string, Extension> {
    const { machine, log, settings } = this.options;
    const cleanTools: CleanTools = {
      node: this.node,
      log,
      guardSpecialFilesystems: settings.guardSpecialFilesystems,
      raid: new SoftwareRaid({ machine, node: this.node, log, run: runProgram }),
    };
    const standby = new Standby({ machine, node: this.node, log, imageTools: () => this.imageTools() });
    const describe = () => inventory(machine, settings.bootMac);
    return {
      clean: cleanExtension(cleanTools),
      deploy: deployExtension(cleanTools, standby),
      service: serviceExtension(cleanTools),
      standby: standby.extension(),
      image: imageExtension({
        machine,
        node: this.node,
        log,
        ignoreBootloaderFailure: settings.ignoreBootloaderFailure,
        // Older conductors without the option always installed; those with it mean an agent that does not isolate.
        mayInstall: () => this.config.enable_bios_bootloader_install ?? true,
        containedInstall: () => this.config.ferric_contained_bootloader_install ?? false,
      }),
      log: logExtension(describe),
      poll: { get_hardware_info: { kind: 'sync', run: describe } },
      rescue: rescueExtension({
        log,
        close: () => this.stop(),
        files: this.options.rescueFiles ?? RESCUE_FILES,
        onRescued: this.options.onRescued ?? (() => undefined),
      }),
      system: { lockdown: { kind: 'sync', run: async () => this.lockDown() } },
    };
  }

  private imageTools(): WriteImageTools {
    const { settings, authorities, log, machine, scratchDir } = this.options;
    return {
      settings,
      authorities,
      log,
      availableMemory: () => machine.availableMemory(),
      scratchDir,
      bootMode: () => machine.bootMode(),
      // Absent in answers of older conductors, where it could not be turned off.
      md5Allowed: this.config.agent_md5_checksum_enable ?? true,
      permittedFormats: this.config.permitted_image_formats ?? ['raw', 'gpt', 'qcow2', 'iso'],
    };
  }

  /** The node leaves the conductor's control: no more commands, no network; the machine stays on. */
  private lockDown(): null {
    const { machine, log } = this.options;
    setTimeout(() => {
      void (async () => {
        await this.stop();
        await rm(`${this.options.stateDir}/token`, { force: true });
        await machine.cutNetwork();
        log.say('locked down');
      })().catch((error: unknown) => log.say(`lock-down failed: ${(error as Error).message}`));
    }, 500);
    return null;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
