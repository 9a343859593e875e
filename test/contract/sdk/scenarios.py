"""The OpenStack SDK's whole bare metal proxy against the daemon that OS_ENDPOINT names.

Prints one JSON object: for each scenario null or what went wrong, and the proxy's methods that none of them called.
"""
import inspect
import json
import os
import sys
import traceback
import uuid

import openstack
from openstack import exceptions
from openstack.baremetal.v1 import _proxy

ENDPOINT = os.environ["OS_ENDPOINT"]
TIMEOUT = 60
called = set()


def traced(name, method):
    def call(self, *args, **kwargs):
        called.add(name)
        return method(self, *args, **kwargs)

    return call


METHODS = {
    name: method
    for name, method in inspect.getmembers(_proxy.Proxy, inspect.isfunction)
    if method.__module__.endswith("baremetal.v1._proxy") and not name.startswith("_")
}
for name, method in METHODS.items():
    setattr(_proxy.Proxy, name, traced(name, method))

cloud = openstack.connect(auth_type="none", auth={"endpoint": ENDPOINT})
metal = cloud.baremetal


def check(value, expected):
    assert value == expected, f"{value!r} is not {expected!r}"


def refused(error, work):
    try:
        work()
    except error:
        return
    raise AssertionError(f"was not refused with {error.__name__}")


def node(**attrs):
    return metal.create_node(driver="fake-hardware", provision_state="enroll", **attrs)


def available(**attrs):
    made = node(**attrs)
    metal.set_node_provision_state(made, "manage", wait=True, timeout=TIMEOUT)
    metal.set_node_provision_state(made, "provide", wait=True, timeout=TIMEOUT)
    return metal.get_node(made.id)


def mac():
    return "52:54:00:" + ":".join(uuid.uuid4().hex[at : at + 2] for at in (0, 2, 4))


def nodes():
    made = node(name="sdk-node", extra={"rack": 1}, properties={"cpus": 4})
    check(made.provision_state, "enroll")
    check(metal.get_node("sdk-node").id, made.id)
    check(metal.get_node(made.id, fields=["uuid", "name"]).name, "sdk-node")
    check(metal.find_node("sdk-node").id, made.id)
    check(metal.find_node("no-such"), None)
    refused(exceptions.ResourceNotFound, lambda: metal.get_node("no-such"))
    assert made.id in [each.id for each in metal.nodes()]
    detailed = [each for each in metal.nodes(details=True, driver="fake-hardware") if each.id == made.id]
    check(detailed[0].extra, {"rack": 1})
    check([each.id for each in metal.nodes(provision_state="enroll", limit=1)][:1], [made.id])
    updated = metal.update_node(made, extra={"rack": 2}, instance_id=str(uuid.uuid4()))
    check(updated.extra, {"rack": 2})
    patched = metal.patch_node(made, [{"op": "add", "path": "/properties/arch", "value": "x86_64"}])
    check(patched.properties, {"cpus": 4, "arch": "x86_64"})
    reset = metal.patch_node(made, [{"op": "replace", "path": "/driver", "value": "fake-hardware"}], reset_interfaces=True)
    check(reset.driver, "fake-hardware")
    metal.update_node(made, instance_id=None)
    report = metal.validate_node(made, required=("power", "management"))
    check(report["power"].result, True)
    metal.set_node_maintenance(made, "a reason")
    check(metal.get_node(made.id).maintenance_reason, "a reason")
    metal.unset_node_maintenance(made)
    check(metal.get_node(made.id).is_maintenance, False)
    metal.wait_for_node_reservation(made, timeout=TIMEOUT)
    metal.delete_node(made)
    refused(exceptions.ResourceNotFound, lambda: metal.delete_node(made.id, ignore_missing=False))


def life():
    made = available(name="sdk-life")
    check(made.provision_state, "available")
    metal.set_node_power_state(made, "power on", wait=True, timeout=TIMEOUT)
    check(metal.wait_for_node_power_state(made, "power on", timeout=TIMEOUT).power_state, "power on")
    metal.set_node_boot_device(made, "pxe", persistent=True)
    metal.set_node_provision_state(made, "active", wait=True, timeout=TIMEOUT)
    check(metal.get_node(made.id).provision_state, "active")
    metal.set_node_provision_state(made, "rescue", rescue_password="secret", wait=True, timeout=TIMEOUT)
    check(metal.get_node(made.id).provision_state, "rescue")
    metal.set_node_provision_state(made, "unrescue")
    metal.wait_for_nodes_provision_state([made], "active", timeout=TIMEOUT)
    metal.set_node_provision_state(made, "rebuild", config_drive={"meta_data": {"name": "x"}}, wait=True, timeout=TIMEOUT)
    metal.set_node_provision_state(made, "deleted", wait=True, timeout=TIMEOUT)
    [done] = metal.wait_for_nodes_provision_state([made], "available", timeout=TIMEOUT)
    check(done.provision_state, "available")
    metal.set_node_provision_state(made, "manage", wait=True, timeout=TIMEOUT)
    steps = [{"interface": "deploy", "step": "erase_devices"}]
    metal.set_node_provision_state(made, "clean", clean_steps=steps, wait=True, timeout=TIMEOUT)
    check(metal.get_node(made.id).provision_state, "manageable")
    metal.set_node_provision_state(made, "inspect", wait=True, timeout=TIMEOUT)
    check(metal.get_node(made.id).provision_state, "manageable")
    metal.delete_node(made)


def boot_modes():
    made = node(name="sdk-boot")
    metal.set_node_provision_state(made, "manage", wait=True, timeout=TIMEOUT)
    metal.set_node_boot_mode(made, "uefi")
    metal.wait_for_node_reservation(made, timeout=TIMEOUT)
    metal.set_node_secure_boot(made, True)
    metal.wait_for_node_reservation(made, timeout=TIMEOUT)
    check(metal.get_node(made.id).boot_mode, "uefi")
    metal.delete_node(made)


def traits_and_vifs():
    made = node(name="sdk-traits")
    metal.set_node_traits(made, ["CUSTOM_A", "HW_CPU_X86_AVX"])
    metal.add_node_trait(made, "CUSTOM_B")
    metal.remove_node_trait(made, "CUSTOM_A")
    check(sorted(metal.get_node(made.id).traits), ["CUSTOM_B", "HW_CPU_X86_AVX"])
    port = metal.create_port(address=mac(), node_id=made.id)
    vif = str(uuid.uuid4())
    metal.attach_vif_to_node(made, vif)
    # The noop network, as Ironic's, plugs nothing and so lists nothing.
    check(metal.list_node_vifs(made), [])
    check(metal.detach_vif_from_node(made, vif), True)
    check(metal.list_node_vifs(made), [])
    metal.delete_port(port)
    metal.delete_node(made)


def ports():
    made = node(name="sdk-ports")
    address = mac()
    port = metal.create_port(address=address, node_id=made.id, extra={"a": 1})
    check(metal.get_port(port.id).address, address)
    check(metal.get_port(port.id, fields=["uuid", "address"]).address, address)
    check(metal.find_port(port.id).id, port.id)
    check([each.id for each in metal.ports(address=address)], [port.id])
    check([each.extra for each in metal.ports(details=True, node=made.id)], [{"a": 1}])
    check(metal.update_port(port, is_pxe_enabled=False).is_pxe_enabled, False)
    patched = metal.patch_port(port, [{"op": "add", "path": "/extra/b", "value": 2}])
    check(patched.extra, {"a": 1, "b": 2})
    refused(exceptions.ConflictException, lambda: metal.create_port(address=address, node_id=made.id))
    metal.delete_port(port)
    group = metal.create_port_group(node_id=made.id, name="sdk-group", address=mac())
    check(metal.get_port_group("sdk-group").id, group.id)
    check(metal.find_port_group(group.id).name, "sdk-group")
    assert group.id in [each.id for each in metal.port_groups(details=True)]
    check(metal.update_port_group(group, extra={"c": 3}).extra, {"c": 3})
    patched = metal.patch_port_group(group, [{"op": "replace", "path": "/mode", "value": "802.3ad"}])
    check(patched.mode, "802.3ad")
    metal.delete_port_group(group)
    metal.delete_node(made)


def chassis():
    made = metal.create_chassis(description="rack 1")
    check(metal.get_chassis(made.id).description, "rack 1")
    check(metal.find_chassis(made.id).id, made.id)
    assert made.id in [each.id for each in metal.chassis(details=True)]
    check(metal.update_chassis(made, description="rack 2").description, "rack 2")
    patched = metal.patch_chassis(made, [{"op": "add", "path": "/extra/a", "value": 1}])
    check(patched.extra, {"a": 1})
    metal.delete_chassis(made)


def drivers_and_conductors():
    names = [each.name for each in metal.drivers()]
    assert {"fake-hardware", "ipmi"} <= set(names), names
    check(metal.get_driver("fake-hardware").default_deploy_interface is not None, True)
    assert [each for each in metal.drivers(details=True) if each.name == "ipmi"][0].enabled_power_interfaces
    # With details=True the SDK asks for a route that Ironic does not have either.
    [conductor] = list(metal.conductors())
    check(conductor.alive, True)
    check(metal.get_conductor(conductor.hostname).hostname, conductor.hostname)


def vendor_passthru():
    made = node(name="sdk-vendor")
    metal.list_node_vendor_passthru(made)
    metal.list_driver_vendor_passthru("fake-hardware")
    methods = metal.list_node_vendor_passthru(made)
    assert "second_method" in str(methods), methods
    metal.call_node_vendor_passthru(made, "POST", "second_method", {"bar": "kazoo"})
    refused(exceptions.SDKException, lambda: metal.call_driver_vendor_passthru("fake-hardware", "POST", "no-such", {}))
    metal.wait_for_node_reservation(made, timeout=TIMEOUT)
    metal.delete_node(made)


def allocations():
    made = available(name="sdk-allocated", resource_class="sdk-class")
    allocation = metal.create_allocation(name="sdk-allocation", resource_class="sdk-class")
    done = metal.wait_for_allocation(allocation, timeout=TIMEOUT)
    check(done.state, "active")
    check(done.node_id, made.id)
    check(metal.get_allocation("sdk-allocation").id, allocation.id)
    check([each.id for each in metal.allocations(node=made.id)], [allocation.id])
    check(metal.update_allocation(allocation, extra={"a": 1}).extra, {"a": 1})
    patched = metal.patch_allocation(allocation, [{"op": "replace", "path": "/name", "value": "sdk-renamed"}])
    check(patched.name, "sdk-renamed")
    check(metal.get_node(made.id).allocation_id, allocation.id)
    metal.delete_allocation(allocation)
    failed = metal.create_allocation(resource_class="no-such-class")
    refused(exceptions.SDKException, lambda: metal.wait_for_allocation(failed, timeout=TIMEOUT))
    metal.delete_allocation(failed)
    metal.delete_node(made)


def deploy_templates():
    steps = [{"interface": "bios", "step": "apply_configuration", "args": {"settings": []}, "priority": 150}]
    made = metal.create_deploy_template(name="CUSTOM_SDK", steps=steps)
    check(metal.get_deploy_template("CUSTOM_SDK").steps, steps)
    assert made.id in [each.id for each in metal.deploy_templates(details=True)]
    check(metal.update_deploy_template(made, extra={"a": 1}).extra, {"a": 1})
    patched = metal.patch_deploy_template(made, [{"op": "replace", "path": "/name", "value": "CUSTOM_SDK2"}])
    check(patched.name, "CUSTOM_SDK2")
    metal.delete_deploy_template(made)


def volumes():
    made = node(name="sdk-volumes")
    metal.set_node_power_state(made, "power off", wait=True, timeout=TIMEOUT)
    connector = metal.create_volume_connector(node_id=made.id, type="iqn", connector_id="iqn.2017-07.org.openstack:01")
    check(metal.get_volume_connector(connector.id).type, "iqn")
    check(metal.find_volume_connector(connector.id).id, connector.id)
    assert connector.id in [each.id for each in metal.volume_connectors(details=True)]
    check(metal.update_volume_connector(connector, extra={"a": 1}).extra, {"a": 1})
    metal.patch_volume_connector(connector, [{"op": "add", "path": "/extra/b", "value": 2}])
    metal.delete_volume_connector(connector)
    target = metal.create_volume_target(node_id=made.id, boot_index=0, volume_id="v1", volume_type="iscsi")
    check(metal.get_volume_target(target.id).volume_id, "v1")
    check(metal.find_volume_target(target.id).id, target.id)
    assert target.id in [each.id for each in metal.volume_targets(details=True)]
    check(metal.update_volume_target(target, extra={"a": 1}).extra, {"a": 1})
    metal.patch_volume_target(target, [{"op": "add", "path": "/extra/b", "value": 2}])
    metal.delete_volume_target(target)
    metal.delete_node(made)


def cloud_layer():
    nics = [{"mac": mac()}]
    made = cloud.register_machine(nics, wait=True, timeout=TIMEOUT, driver="fake-hardware", name="sdk-registered")
    check(cloud.get_machine("sdk-registered").id, made.id)
    [nic] = cloud.list_nics_for_machine(made.id)
    check(nic["address"], nics[0]["mac"])
    check(cloud.get_machine_by_mac(nics[0]["mac"]).id, made.id)
    cloud.set_machine_power_on(made.id)
    metal.wait_for_node_power_state(made.id, "power on", timeout=TIMEOUT)
    cloud.activate_node(made.id, wait=True, timeout=TIMEOUT)
    check(cloud.get_machine(made.id).provision_state, "active")
    cloud.deactivate_node(made.id, wait=True, timeout=TIMEOUT)
    cloud.inspect_machine(made.id, wait=True, timeout=TIMEOUT)
    cloud.unregister_machine(nics, made.id)
    check(cloud.get_machine("sdk-registered"), None)


SCENARIOS = [
    nodes, life, boot_modes, traits_and_vifs, ports, chassis, drivers_and_conductors, vendor_passthru,
    allocations, deploy_templates, volumes, cloud_layer,
]
results = {}
for scenario in SCENARIOS:
    try:
        scenario()
        results[scenario.__name__] = None
    except Exception:  # each scenario is told of by itself
        results[scenario.__name__] = traceback.format_exc()
json.dump({"results": results, "uncalled": sorted(set(METHODS) - called)}, sys.stdout)
