import { readFileSync } from 'node:fs';

/** Source of each program in the pages; a page may not use others. */
export const PROGRAMS: Readonly<Record<string, { from: 'system' | 'clone' } | { package: string }>> = {
  // Debian's essential packages, and the shell itself.
  ...from('system', [
    'base64',
    'cat',
    'cd',
    'chmod',
    'cp',
    '$EDITOR',
    'export',
    'head',
    'install',
    'printf',
    'rm',
    'tail',
    'zcat',
    '>',
  ]),
  // The clone that the README's first lines make, and what its commands install.
  ...from('clone', ['./ferric', 'make', 'npm', 'scripts/install-dependencies.sh']),
  git: { package: 'git' },
  baremetal: { package: 'python3-ironicclient' },
  openstack: { package: 'python3-openstackclient' },
  curl: { package: 'curl' },
  ssh: { package: 'openssh-client' },
  htpasswd: { package: 'apache2-utils' },
  docker: { package: 'docker' },
};

function from(place: 'system' | 'clone', names: string[]) {
  return Object.fromEntries(names.map((name) => [name, { from: place }]));
}

/** Packages of a group of scripts/install-dependencies.sh; undefined: no such group. */
export function packagesOf(group: string): string[] | undefined {
  const script = readFileSync('scripts/install-dependencies.sh', 'utf8');
  const [, words] = new RegExp(`^${group.toUpperCase()}=\\(([^)]*)\\)`, 'm').exec(script) ?? [];
  return words?.split(/\s+/);
}

/** Whether a page's text before a command installs a Debian package, or names it as required. */
export function says(text: string, name: string): boolean {
  const groups = [...text.matchAll(/scripts\/install-dependencies\.sh((?: [a-z]+)+)/g)].flatMap(([, words]) =>
    words!.trim().split(' '),
  );
  return text.includes(name) || groups.some((group) => packagesOf(group)?.includes(name));
}
