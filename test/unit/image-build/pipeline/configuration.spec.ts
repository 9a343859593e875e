import { describe, expect, it } from 'vitest';
import { checksumOf } from '../../../../image-build/pipeline/base-checksum.js';
import { type Configuration, parseConfiguration } from '../../../../image-build/pipeline/configuration.js';
import { PipelineFaults } from '../../../../image-build/pipeline/faults.js';
import { KEY_NAMES } from '../../../../image-build/pipeline/keys.js';
import { SAMPLE } from '../../../support/pipeline/seed.js';

const parse = (text: string, set: Record<string, string> = {}): Configuration =>
  parseConfiguration({ file: 'c.yml', text, set, workspace: '/ws' });

const faultsOf = (text: string, set: Record<string, string> = {}): readonly string[] => {
  try {
    parse(text, set);
  } catch (error) {
    if (error instanceof PipelineFaults) return error.faults;
    throw error;
  }
  return [];
};

describe('parseConfiguration', () => {
  it('reads the sample of the documentation as it stands', () => {
    const read = parse(SAMPLE);
    expect(read.text('artib_working_dir')).toBe('/ws/oooq-images');
    expect(read.text('artib_repo_script')).toBe('/ws/config/scripts/repo_setup_rhel_osp8_nokia.j2');
    expect(read.list('artib_image_yaml_template')).toEqual([
      '/ws/config/templates/nokia-dib-manifest-default.yaml.j2',
    ]);
    expect(read.list('artib_dib_elements_path')).toHaveLength(5);
    expect(read.flag('artib_publish')).toBe(false);
    expect(read.dead.map(({ key }) => key)).toEqual(['undercloud_image_url']);
    expect(read.text('artib_undercloud_base_image_url')).toBe('file:///ws/oooq-images/overcloud-base.qcow2');
  });

  it('takes jenkins_workspace from the command line before the directory it was started in', () => {
    expect(parse(SAMPLE, { jenkins_workspace: '/other' }).text('artib_working_dir')).toBe(
      '/other/oooq-images',
    );
  });

  it("has the role's defaults", () => {
    const read = parse('');
    expect(read.text('artib_working_dir')).toBe('/var/lib/oooq-images');
    expect(read.number('artib_undercloud_disk_size')).toBe(42);
    expect(read.text('artib_repo_script')).toBe('repo-centos7-delorean.sh.j2');
    expect(read.list('artib_dib_elements_path').at(-1)).toBe(
      '/usr/share/openstack-heat-templates/software-config/elements/',
    );
    expect(parse('artib_release: liberty').list('artib_dib_elements_path')).toHaveLength(3);
    expect(read.list('artib_publish_artifacts')).toHaveLength(8);
    expect(read.optional('artib_delorean_hash')).toBeUndefined();
  });

  it('names the nearest key for one that there is not', () => {
    expect(faultsOf('artib_relase: mitaka\nzzz: 1\nundercloud_convert_script: x')).toEqual([
      'artib_relase: no such key; the nearest is artib_release',
      'zzz: no such key',
      'undercloud_convert_script: no such key; the nearest is artib_undercloud_convert_script',
    ]);
  });

  it('says all faults together', () => {
    const faults = faultsOf(`
artib_relase: liberty
artib_vc_ram: much
artib_publish: perhaps
artib_minimal_base_image_url: ftp://host/x
artib_working_dir: relative
artib_overcloud_images: one
artib_virt_sparsify_checktmpdir_flag: never
`);
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'artib_relase',
      'artib_working_dir',
      'artib_minimal_base_image_url',
      'artib_overcloud_images',
      'artib_virt_sparsify_checktmpdir_flag',
      'artib_vc_ram',
      'artib_publish',
    ]);
  });

  it('names a circle of references once, and not what hangs on it', () => {
    const faults = faultsOf(`
artib_working_dir: "{{ artib_repo_script }}/x"
artib_repo_script: "{{ artib_release }}"
artib_release: "{{ artib_working_dir }}"
`);
    expect(faults).toEqual([
      'artib_working_dir refers to artib_repo_script refers to artib_release refers to artib_working_dir: a circle',
    ]);
  });

  it('names a reference to nothing, and what was meant', () => {
    expect(faultsOf('artib_repo_script: "{{ jenkins_workspac }}/x"')).toEqual([
      'artib_repo_script: refers to jenkins_workspac, which is not set; the nearest is jenkins_workspace',
    ]);
  });

  it('keeps a list a list when it is referred to as a whole', () => {
    const read = parse(
      'artib_overcloud_packages: "{{ wanted }}"\nferric_variables: {wanted: [a, "b{{ artib_release }}"]}',
    );
    expect(read.list('artib_overcloud_packages')).toEqual(['a', 'bmitaka']);
  });

  it('reads YAML as PyYAML does, but a key that stands twice is a fault', () => {
    expect(parse('artib_dib_workarounds: no').flag('artib_dib_workarounds')).toBe(false);
    expect(faultsOf('artib_release: a\nartib_release: b')[0]).toMatch(/unique.*line 2/);
    expect(faultsOf('- a')).toEqual(['the top must be a mapping of keys to values']);
    expect(parse('artib_release:').text('artib_release')).toBe('mitaka');
  });

  it.each([
    [
      'artib_overcloud_build_mode: tripleo_build_images\nartib_release: liberty',
      'builds mitaka and newton only',
    ],
    ['artib_overcloud_build_mode: openstack_overcloud_image_build', 'came after newton'],
    ['artib_overcloud_build_mode: magic', 'must be one of'],
  ])('refuses a build mode that would build nothing: %s', (text, words) => {
    expect(faultsOf(text)).toHaveLength(1);
    expect(faultsOf(text)[0]).toContain(words);
  });

  it.each([
    ['publish: true', 'where to'],
    ['publish: true\nartib_publish: false\nartib_publish_dest_basepath: /x', 'mean the same'],
    ['artib_publish_dest_basepath: x', 'must be absolute on this machine'],
    ['artib_publish_dest_host: -oProxyCommand=x', 'not a name that ssh takes'],
    ['artib_working_dir: /var/lib', 'belongs to the system'],
    ['artib_working_dir: /a/../etc', 'without ".."'],
    ['artib_publish_artifacts: [../x]', 'not the name of a file'],
    ['ferric_variables: {artib_release: x}', 'a key of its own'],
    ['artib_repo_script: "{{ \'\'.constructor }}"', 'is not set'],
  ])('refuses %s', (text, words) => {
    expect(faultsOf(text).join('\n')).toContain(words);
  });

  it('knows publish as artib_publish', () => {
    expect(parse('publish: true\nartib_publish_dest_basepath: /srv/images').flag('artib_publish')).toBe(true);
  });

  it('has a default that conforms for every key', () => {
    expect(KEY_NAMES.length).toBeGreaterThan(50);
    expect(faultsOf('')).toEqual([]);
  });

  describe('base images over plain http', () => {
    const url = 'http://images.example.org/base.qcow2';
    const sum = 'a'.repeat(64);

    it('need a checksum', () => {
      expect(() => parse(`artib_minimal_base_image_url: ${url}`)).toThrow(
        `artib_minimal_base_image_url: ${url} comes without protection on its way`,
      );
      expect(() => parse(`artib_undercloud_base_image_url: ${url}`)).toThrow(
        'artib_undercloud_base_image_url',
      );
      const read = parse(
        `artib_minimal_base_image_url: ${url}\nferric_checksums: {"${url}": "sha256:${sum}"}`,
      );
      expect(checksumOf(read.variables, url)).toEqual({ algorithm: 'sha256', value: sum });
    });

    it.each([
      [`md5:${'a'.repeat(32)}`, 'ferric_checksums'],
      ['sha256:abc', 'ferric_checksums'],
      ['none', 'ferric_checksums'],
    ])('are not protected by %s', (value, words) => {
      expect(() =>
        parse(`artib_minimal_base_image_url: ${url}\nferric_checksums: {"${url}": "${value}"}`),
      ).toThrow(words);
    });

    it('are those of the file: a checksum of nobody is a typo', () => {
      expect(() => parse(`ferric_checksums: {"http://x/y": "sha256:${sum}"}`)).toThrow(
        'is no base image of this file',
      );
    });
  });
});
