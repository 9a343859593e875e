"""Nova's own Ironic driver against the daemon that OS_ENDPOINT names, without the rest of Nova.

A virtapi, the instances and their network are objects of Nova's own kinds that this program fills in; its database and
message bus are not touched. Prints one JSON object: for each scenario null or what went wrong.
"""
import json
import os
import sys
import traceback
import uuid

import eventlet

eventlet.monkey_patch(os=False)

import openstack
from nova import config, context, objects
from nova.compute import power_state, provider_tree, vm_states
import nova.conf
from nova import exception
from nova.network import model as network_model
from nova.virt import fake

CONF = nova.conf.CONF
ENDPOINT = os.environ["OS_ENDPOINT"]
config.parse_args(["nova", "--config-file", os.environ["NOVA_CONF"]], default_config_files=[], init_rpc=False, configure_db=False)
objects.register_all()

from nova.virt.ironic import driver as ironic_driver  # noqa: E402  reads the configuration

metal = openstack.connect(auth_type="none", auth={"endpoint": ENDPOINT}).baremetal
CONTEXT = context.get_admin_context()
CLASS = "CUSTOM_METAL"


def check(value, expected):
    assert value == expected, f"{value!r} is not {expected!r}"


def available(name):
    made = metal.create_node(
        driver="fake-hardware", provision_state="available", name=name, resource_class="metal",
        properties={"cpus": 4, "memory_mb": 8192, "local_gb": 100, "cpu_arch": "x86_64"},
    )
    metal.set_node_power_state(made, "power off", wait=True, timeout=60)
    return metal.get_node(made.id)


def instance_on(node):
    flavor = objects.Flavor(
        id=1, flavorid="metal", name="metal", vcpus=4, memory_mb=8192, root_gb=90, ephemeral_gb=0, swap=0,
        rxtx_factor=1.0, vcpu_weight=0, extra_specs={f"resources:{CLASS}": "1"},
    )
    made = objects.Instance(
        CONTEXT, id=1, uuid=str(uuid.uuid4()), user_id="user", project_id="project", host="host", node=node.id,
        hostname="one", display_name="one", flavor=flavor, image_ref=str(uuid.uuid4()), vm_state=vm_states.BUILDING,
        task_state=None, config_drive="", root_gb=90, ephemeral_gb=0, memory_mb=8192, vcpus=4, metadata={},
        system_metadata={}, default_ephemeral_device=None, access_ip_v4=None, access_ip_v6=None, kernel_id="",
        ramdisk_id="", availability_zone=None, key_data=None, key_name=None, instance_type_id=1,
    )
    # Columns that the driver saves and reads again; there is no database behind.
    made.save = lambda *args, **kwargs: None
    made.refresh = lambda *args, **kwargs: None
    return made


def image_of(instance):
    return objects.ImageMeta(id=instance.image_ref, properties=objects.ImageMetaProps())


driver = ironic_driver.IronicDriver(fake.FakeVirtAPI())


# The driver asks Nova's database which instances this host has and which hosts compute: there are none beside it.
objects.InstanceList.get_uuids_by_host = classmethod(lambda *args: [])
objects.ServiceList.get_all_computes_by_hv_type = classmethod(lambda *args: [])
driver.servicegroup_api.service_is_up = lambda service: True


def lists_nodes():
    one = available("nova-list")
    busy = metal.create_node(driver="fake-hardware", provision_state="enroll", name="nova-enroll", resource_class="metal")
    check(one.id in driver.get_available_nodes(refresh=True), True)
    check(driver.node_is_available(one.id), True)
    resource = driver.get_available_resource(one.id)
    check(resource["hypervisor_hostname"], one.id)
    check(resource["hypervisor_type"], "ironic")
    tree = provider_tree.ProviderTree()
    tree.new_root(one.id, one.id)
    driver.update_provider_tree(tree, one.id)
    check(tree.data(one.id).inventory[CLASS]["reserved"], 0)
    tree.new_root(busy.id, busy.id)
    driver.update_provider_tree(tree, busy.id)
    # A node that cannot be had is reserved whole.
    check(tree.data(busy.id).inventory[CLASS]["reserved"], 1)
    metal.delete_node(one)
    metal.delete_node(busy)


def whole_life():
    node = available("nova-life")
    instance = instance_on(node)
    driver.prepare_for_spawn(instance)
    check(metal.get_node(node.id).instance_id, instance.uuid)
    driver.spawn(CONTEXT, instance, image_of(instance), [], None, {}, network_info=network_model.NetworkInfo([]))
    now = metal.get_node(node.id)
    check(now.provision_state, "active")
    check(now.instance_info["display_name"], "one")
    check(now.instance_info["image_source"], instance.image_ref)
    check(driver.list_instance_uuids().count(instance.uuid), 1)
    check(driver.instance_exists(instance), True)
    check(driver.get_info(instance).state, power_state.RUNNING)
    driver.power_off(instance)
    check(driver.get_info(instance).state, power_state.SHUTDOWN)
    driver.power_on(CONTEXT, instance, None)
    check(driver.get_info(instance).state, power_state.RUNNING)
    driver.reboot(CONTEXT, instance, None, "HARD")
    check(driver.get_info(instance).state, power_state.RUNNING)
    driver.reboot(CONTEXT, instance, None, "SOFT")
    driver.rescue(CONTEXT, instance, None, None, "a-password", None)
    check(metal.get_node(node.id).provision_state, "rescue")
    driver.unrescue(CONTEXT, instance)
    check(metal.get_node(node.id).provision_state, "active")
    driver.rebuild(
        CONTEXT, instance, image_of(instance), [], None, [], {}, lambda *args, **kwargs: None,
        lambda *args, **kwargs: None, network_info=network_model.NetworkInfo([]),
    )
    check(metal.get_node(node.id).provision_state, "active")
    driver.destroy(CONTEXT, instance, network_model.NetworkInfo([]))
    # Nova hands the node over to its cleaning and goes.
    [done] = metal.wait_for_nodes_provision_state([node], "available", timeout=60)
    check(done.instance_id, None)
    check(driver.instance_exists(instance), False)
    metal.delete_node(node)


def another_claim():
    node = available("nova-claim")
    driver.prepare_for_spawn(instance_on(node))
    try:
        driver.prepare_for_spawn(instance_on(node))
    except (exception.InstanceDeployFailure, exception.ComputeResourcesUnavailable):
        pass
    else:
        raise AssertionError("a node was given to two instances")


def interfaces():
    node = available("nova-vif")
    metal.create_port(address="52:54:00:aa:00:01", node_id=node.id)
    instance = instance_on(node)
    driver.prepare_for_spawn(instance)
    vif = network_model.VIF(id=str(uuid.uuid4()), address="52:54:00:aa:00:01")
    driver.attach_interface(CONTEXT, instance, image_of(instance), vif)
    driver.detach_interface(CONTEXT, instance, vif)
    driver.failed_spawn_cleanup(instance)
    check(metal.get_node(node.id).instance_id, None)


results = {}
for scenario in (lists_nodes, whole_life, another_claim, interfaces):
    try:
        scenario()
        results[scenario.__name__] = None
    except Exception:  # each scenario is told of by itself
        results[scenario.__name__] = traceback.format_exc()
json.dump({"results": results}, sys.stdout)
