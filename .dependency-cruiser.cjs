// The rooms and their permitted imports. Rules are generated from ROOMS; see docs/explanation/architecture.md.
// A room may import itself and the rooms listed. `src/main.ts` and `src/start/app.module.ts` may import every room.
const ROOMS = {
  domain: [],
  protocol: [],
  config: ['domain'],
  platform: ['config', 'domain'],
  database: ['config', 'platform', 'domain', 'migrations'],
  persistence: ['database', 'platform', 'domain'],
  image: ['platform', 'protocol', 'config', 'domain'],
  'image-library': ['image', 'persistence', 'platform', 'protocol', 'config', 'domain'],
  driver: ['persistence', 'image', 'platform', 'protocol', 'config', 'domain'],
  conductor: ['driver', 'image', 'persistence', 'database', 'platform', 'config', 'domain'],
  netboot: ['persistence', 'platform', 'protocol', 'config', 'domain'],
  api: ['conductor', 'image-library', 'image', 'persistence', 'platform', 'protocol', 'config', 'domain'],
  backup: ['persistence', 'database', 'platform', 'config', 'domain'],
  start: [
    'api',
    'netboot',
    'conductor',
    'driver',
    'image-library',
    'image',
    'persistence',
    'database',
    'platform',
    'config',
    'domain',
  ],
};
const TOP = {
  // Programs outside the daemon: they communicate with it over the wire only.
  agent: ['src/protocol', 'src/domain'],
  // The image builder is a program that uses the ramdisk's builder.
  'image-build': ['src/protocol', 'src/domain', 'agent/ramdisk'],
  // The `ferric` command also backs up the daemon's database, on a machine where the daemon does not run.
  cli: ['image-build', 'src/backup', 'src/config', 'src/platform', 'src/domain'],
  lab: ['image-build', 'src/protocol'],
  demo: ['lab', 'image-build', 'agent/ramdisk'],
  migrations: [],
};
const PURE = ['domain', 'protocol'];

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `room-${room}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^(src|agent|image-build|cli|lab|demo|migrations|test|bench|scripts)/',
    pathNot: [room, ...allowed].map((r) => (r === 'migrations' ? '^migrations/' : `^src/${r}/`)),
  },
}));
const topRules = Object.entries(TOP).map(([top, allowed]) => ({
  name: `room-${top}`,
  severity: 'error',
  from: { path: `^${top}/` },
  to: {
    path: '^(src|agent|image-build|cli|lab|demo|migrations|test|bench|scripts)/',
    pathNot: [`^${top}/`, ...allowed.map((a) => `^${a}/`)],
  },
}));
const pureRules = PURE.map((room) => ({
  name: `pure-${room}`,
  comment: 'pure rooms import no node: module and no npm package; zod where a wire body is parsed',
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional'], pathNot: 'node_modules/zod/' },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    ...topRules,
    ...pureRules,
    {
      name: 'persistence-rooms-apart',
      comment: 'no folder of persistence imports another; resources.ts and the module join them',
      severity: 'error',
      from: { path: '^src/persistence/([^/]+)/' },
      to: { path: '^src/persistence/', pathNot: '^src/persistence/$1/' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-barrel',
      severity: 'error',
      from: { path: '^(src|agent|image-build|cli|lab|demo|migrations)/', pathNot: '^$' },
      to: { path: '^(src|agent|image-build|cli|lab|demo|migrations)/.*/index\\.ts$' },
    },
    {
      name: 'known-room',
      comment: 'a new folder under src/ needs a row in ROOMS',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(ROOMS).join('|')})/` },
    },
    { name: 'not-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'production-never-imports-tests',
      severity: 'error',
      from: { path: '^(src|agent|image-build|cli|lab|demo|migrations)/' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true, // type-only imports count
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
