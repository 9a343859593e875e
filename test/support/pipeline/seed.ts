/** The sample of tripleo-quickstart's page "Creating custom images", unchanged. */
export const SAMPLE = `artib_base_os: rhel7
artib_build_system: delorean
artib_minimal_base_image_url: file:///opt/rhel-guest-image-7.2-20160302.0.x86_64.qcow2
artib_release: liberty
artib_repo_script: "{{ jenkins_workspace }}/config/scripts/repo_setup_rhel_osp8_nokia.j2"
artib_undercloud_convert_script:  "{{ jenkins_workspace }}/config/scripts/undercloud_convert_rhel_osp.j2"
artib_working_dir: "{{ jenkins_workspace }}/oooq-images"
artib_package_install_script: "{{ jenkins_workspace }}/config/scripts/nokia-package-install.sh.j2"
publish: false
undercloud_image_url: "file:///{{ jenkins_workspace }}/oooq-images/undercloud.qcow2"
artib_dib_elements_path:
  - /usr/share/tripleo-image-elements
  - /usr/share/tripleo-puppet-elements
  - /usr/share/instack-undercloud/
  - /usr/share/openstack-heat-templates/software-config/elements/
  - /opt/cbis-dib/usr/share/diskimage-builder/elements
artib_image_yaml_template: "{{ jenkins_workspace }}/config/templates/nokia-dib-manifest-default.yaml.j2"
`;
