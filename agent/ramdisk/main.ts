import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildRamdisk, mebibytes } from './build.js';
import { FLAVOURS, type Flavour } from './recipe.js';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: '.lab/cache/ramdisk' },
    flavour: { type: 'string', default: 'virtual' },
    cache: { type: 'string' },
    package: { type: 'string', multiple: true, default: [] },
    'api-ca': { type: 'string' },
  },
});
if (!Object.hasOwn(FLAVOURS, values.flavour)) {
  console.error(`--flavour must be one of ${Object.keys(FLAVOURS).join(', ')}`);
  process.exit(2);
}
let apiAuthorities: string | undefined;
try {
  const file = values['api-ca'];
  apiAuthorities = file === undefined ? undefined : readFileSync(file, 'utf8');
  if (apiAuthorities !== undefined) new X509Certificate(apiAuthorities); // the first one: a wrong file is found out
} catch (error) {
  console.error(`--api-ca: no certificate in PEM could be read: ${(error as Error).message}`);
  process.exit(2);
}
const started = performance.now();
const built = await buildRamdisk({
  outDir: values.out,
  flavour: values.flavour as Flavour,
  extraPackages: values.package,
  ...(values.cache === undefined ? {} : { cacheDir: values.cache }),
  ...(apiAuthorities === undefined ? {} : { apiAuthorities }),
  log: (line) => console.log(line),
});
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${built.cached ? 'reused' : 'built'} in ${seconds} s, flavour ${built.flavour}`);
console.log(`kernel   ${built.kernel}  ${mebibytes(built.kernelSize)}  ${built.kernelVersion}`);
console.log(
  `ramdisk  ${built.ramdisk}  ${mebibytes(built.ramdiskSize)}, ${mebibytes(built.contentSize)} of files`,
);
