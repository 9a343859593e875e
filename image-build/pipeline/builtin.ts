// Defaults of scripts, lists and the manifest, for keys that are not set. Names are those of the role (see keys.ts); a
// file of the same name beside the configuration replaces a default. Scripts use yum or
// apt, whichever their system has.

const INSTALL =
  'install() { if command -v apt-get >/dev/null; then apt-get -q -y install "$@"; else yum install -y "$@"; fi; }';

const REPO_CENTOS7_DELOREAN = `#!/bin/bash
# Repositories of RDO for {{ artib_release }} on CentOS 7.
set -eux
trunk=http://trunk.rdoproject.org/centos7-{{ artib_release }}
curl -fLo /etc/yum.repos.d/delorean.repo $trunk/{{ artib_delorean_hash | default('current-passed-ci') }}/delorean.repo
curl -fLo /etc/yum.repos.d/delorean-deps.repo $trunk/delorean-deps.repo
yum install -y yum-plugin-priorities
{% if artib_release in ['liberty', 'mitaka'] %}
yum install -y --enablerepo=extras centos-release-ceph-hammer
{% else %}
yum install -y --enablerepo=extras centos-release-ceph-jewel
{% endif %}
yum update -y
`;

const PACKAGE_INSTALL = `#!/bin/bash
# Packages of the overcloud.
set -eux
export DEBIAN_FRONTEND=noninteractive
${INSTALL}
{% if artib_overcloud_packages %}
install {{ artib_overcloud_packages | join(' ') }}
{% endif %}
`;

const UNDERCLOUD_CONVERT = `#!/bin/bash
# Makes an undercloud of an overcloud image whose disk has grown.
set -eux
export DEBIAN_FRONTEND=noninteractive
device=$(findmnt -fno SOURCE /)
kind=$(findmnt -fno FSTYPE /)
case "$kind" in
  xfs) xfs_growfs / ;;
  ext4) resize2fs "$device" ;;
  *) echo "no way to grow a root file system of kind $kind" >&2; exit 1 ;;
esac
${INSTALL}
remove() { if command -v apt-get >/dev/null; then apt-get -q -y remove "$@"; else yum remove -y "$@"; fi; }
{% if artib_undercloud_remove_packages %}
remove {% for package in artib_undercloud_remove_packages %}{{ package | quote }} {% endfor %}

{% endif %}
{% if artib_undercloud_install_packages %}
install {% for package in artib_undercloud_install_packages %}{{ package | quote }} {% endfor %}

{% endif %}
id stack >/dev/null 2>&1 || useradd --create-home stack
mkdir -p /etc/sudoers.d /home/stack/.ssh
echo 'stack ALL=(root) NOPASSWD:ALL' > /etc/sudoers.d/stack
chmod 0440 /etc/sudoers.d/stack
echo '127.0.0.1 undercloud.localdomain undercloud localhost' > /etc/hosts
echo undercloud.localdomain > /etc/hostname
chown -R stack:stack /home/stack
{% if artib_undercloud_selinux_permissive %}
if [ -e /etc/selinux/config ]; then sed -i 's/SELINUX=enforcing/SELINUX=permissive/' /etc/selinux/config; fi
{% endif %}
`;

const SWAPFILE = `#!/bin/bash
# 4 GiB of swap space.
set -eux
dd if=/dev/zero of=/swapfile bs=1M count=4096
chmod 600 /swapfile
mkswap /swapfile
echo '/swapfile swap swap defaults 0 0' >> /etc/fstab
`;

const DIB_PREPARE = String.raw`#!/bin/bash
# Runs on the host that builds: disk-image-builder, and the elements that the default manifest names.
set -eux
export DEBIAN_FRONTEND=noninteractive
if command -v apt-get >/dev/null; then
  command -v disk-image-create >/dev/null || apt-get -q -y install python3-diskimage-builder
else
  yum install -y diskimage-builder instack-undercloud openstack-heat-templates openstack-tripleo-image-elements \
    openstack-tripleo-puppet-elements python-six git
fi
{% if artib_dib_remove_epel %}
elements=/usr/share/diskimage-builder/elements
if [ -e $elements/centos7/element-deps ]; then sed -i '/epel/d' $elements/centos7/element-deps; fi
rm -f $elements/base/install.d/99-dkms
{% endif %}
`;

const DIB_WORKAROUND = `#!/bin/bash
# Small things that packages of that time leave wrong; each only where it is found.
set -ux
if [ -e /etc/sudoers.d/sahara-rootwrap ]; then chmod 0440 /etc/sudoers.d/sahara-rootwrap; fi
rm -f /etc/libvirt/qemu/networks/autostart/default.xml
mkdir -p /var/log/journal
if [ -e /usr/lib/systemd/system/os-collect-config.service ]; then systemctl enable os-collect-config.service; fi
if [ -d /usr/share/openstack-puppet/modules ]; then
  mkdir -p /etc/puppet/modules
  ln -fs /usr/share/openstack-puppet/modules/* /etc/puppet/modules/
fi
exit 0
`;

const DIB_MANIFEST = `disk_images:
  - imagename: overcloud-full
    arch: amd64
    type: qcow2
    distro: {{ artib_agent_ramdisk_distro }}
    elements:
      - hosts baremetal dhcp-all-interfaces os-collect-config overcloud-full overcloud-controller overcloud-compute
      - overcloud-ceph-storage puppet-modules hiera os-net-config stable-interface-names grub2 element-manifest
      - network-gateway dynamic-login enable-packages-install pip-and-virtualenv-override selinux-permissive
{% if artib_release in ['liberty', 'mitaka'] %}
      - heat-config-puppet heat-config-script
{% endif %}
    packages: [python-psutil, python-debtcollector, plotnetcfg, sos, device-mapper-multipath, python-heat-agent-puppet,
      python-heat-agent-hiera, python-heat-agent-apply-config]
    options: ["--min-tmpfs=5"]
    environment:
      FS_TYPE: {{ artib_overcloud_fs_type }}
      DIB_LOCAL_IMAGE: "{{ artib_working_dir }}/overcloud-base.qcow2"
      DIB_DEFAULT_INSTALLTYPE: package
      ELEMENTS_PATH: "{{ artib_dib_elements_path | join(':') }}"
      DIB_CLOUD_INIT_ETC_HOSTS: ''
  - imagename: ironic-python-agent
    arch: amd64
    type: qcow2
    distro: {{ artib_agent_ramdisk_distro }}
    elements:
      - ironic-agent dynamic-login element-manifest network-gateway enable-packages-install
      - pip-and-virtualenv-override selinux-permissive
    packages: [python-hardware-detect]
    options: ["--min-tmpfs=5"]
    environment:
      DIB_LOCAL_IMAGE: "{{ artib_working_dir }}/minimal-base.qcow2"
      DIB_DEFAULT_INSTALLTYPE: package
      ELEMENTS_PATH: "{{ artib_dib_elements_path | join(':') }}"
`;

const OVERCLOUD_PACKAGES = `
  automake boost-filesystem boost-program-options ceph corosync crudini docker-registry dstat fence-agents-all
  gcc-c++ git haproxy httpd iptables-services ipxe-bootimgs iscsi-initiator-utils keepalived kernel-devel
  libguestfs-tools libvirt libwsman1 libxslt-devel mariadb mariadb-devel mariadb-galera-server memcached mongodb
  mongodb-server ntp openstack-ceilometer-alarm openstack-ceilometer-api openstack-ceilometer-central
  openstack-ceilometer-collector openstack-ceilometer-compute openstack-ceilometer-notification
  openstack-ceilometer-polling openstack-cinder openstack-dashboard openstack-glance openstack-gnocchi-api
  openstack-gnocchi-carbonara openstack-gnocchi-common openstack-gnocchi-indexer-sqlalchemy
  openstack-gnocchi-metricd openstack-gnocchi-statsd openstack-heat-api openstack-heat-api-cfn
  openstack-heat-api-cloudwatch openstack-heat-engine openstack-ironic-api openstack-ironic-conductor
  openstack-ironic-inspector openstack-keystone openstack-manila openstack-manila-share openstack-neutron
  openstack-neutron-lbaas openstack-neutron-metering-agent openstack-neutron-ml2 openstack-neutron-openvswitch
  openstack-nova-api openstack-nova-cert openstack-nova-compute openstack-nova-conductor openstack-nova-console
  openstack-nova-novncproxy openstack-nova-scheduler openstack-puppet-modules openstack-sahara openstack-selinux
  openstack-swift-account openstack-swift-container openstack-swift-object openstack-swift-proxy openstack-tempest
  openvswitch openwsman-python os-apply-config os-cloud-config os-collect-config os-refresh-config os-net-config
  pacemaker pacemaker-remote pcs pystache python-gnocchiclient python-ipaddr python-libguestfs python-openvswitch
  python-pip python-pbr python-redis python-troveclient python-virtualenv python-zaqarclient python2-cradox puppet
  rabbitmq-server redis screen syslinux targetcli tcpdump tftp tftp-server traceroute vim wget xinetd
`;

export const BUILTIN: Readonly<Record<string, string>> = {
  'repo-centos7-delorean.sh.j2': REPO_CENTOS7_DELOREAN,
  'package-install-default.sh.j2': PACKAGE_INSTALL,
  'undercloud-convert-default.sh.j2': UNDERCLOUD_CONVERT,
  'swapfile-create.sh.j2': SWAPFILE,
  'dib-prepare-centos7-default.sh.j2': DIB_PREPARE,
  'dib-workaround-default.sh.j2': DIB_WORKAROUND,
  'dib-manifest-default.yaml.j2': DIB_MANIFEST,
  'default_package_list.yml': `artib_overcloud_packages: [${OVERCLOUD_PACKAGES.trim().split(/\s+/).join(', ')}]\n`,
};
